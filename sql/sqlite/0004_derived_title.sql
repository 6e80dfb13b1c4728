-- The title that was made of a document's name, as it was shown then: a title that still is that one follows the name when the document is
-- renamed. Null where source or document gave one, and for what an earlier release published, which says nothing of it.
alter table documents add column derived_title text;
