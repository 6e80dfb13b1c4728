-- Files that users attach to messages. The bytes are in blobs; hash names them, and is the attachment's id within its conversation. The row is
-- there before the conversation is, which begins with the message that the file is attached to.
create table if not exists attachments (
    tenant          text not null,
    conversation_id text not null,
    user_id         text not null,
    hash            text not null,
    media_type      text not null,
    name            text,
    length          integer not null,
    created_at      integer not null,
    primary key (tenant, conversation_id, user_id, hash)
) without rowid;

create index if not exists attachments_by_blob on attachments (tenant, hash);
create index if not exists attachments_by_user on attachments (tenant, user_id, created_at);

-- A conversation takes its attachments along, and the last attachment the bytes, unless a document has the same.
create trigger if not exists erase_attachments after delete on conversations
begin
    delete from attachments where tenant = old.tenant and conversation_id = old.id and user_id = old.user_id;
end;

create trigger if not exists erase_attached_blob after delete on attachments
begin
    delete from blobs where tenant = old.tenant and hash = old.hash
        and not exists (select 1 from attachments where tenant = old.tenant and hash = old.hash)
        and not exists (select 1 from documents where tenant = old.tenant and blob_hash = old.hash);
end;
