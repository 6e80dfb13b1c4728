-- What the source itself says of a document's type and title. A worker that claims it must not take for that what an earlier version was
-- found to be.
alter table documents add column source_media_type text;
alter table documents add column source_title text;
