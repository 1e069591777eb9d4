-- Files: what is stored (blobs), whose file it is (media), what is still to come (uploads), and how much each has.

-- One row for each content, however many files have it. Rows nobody uses are swept a day after they were last wanted.
create table blobs (
    id bigint generated always as identity,
    sha256 bytea not null,
    content_type text not null,
    -- In urls and in the storage; nobody can guess it.
    name text not null,
    size_bytes bigint not null,
    -- Whether the storage has it. False before it was put there, and again once it is about to be deleted.
    stored boolean not null default false,
    -- Files and thumbnails that it is the content of.
    uses integer not null default 0,
    -- When somebody last uploaded it, or stopped using it.
    wanted_at timestamptz not null,
    constraint blobs_pkey primary key (id),
    constraint blobs_sha256_content_type_key unique (sha256, content_type),
    constraint blobs_name_key unique (name),
    constraint blobs_sha256_check check (octet_length(sha256) = 32),
    constraint blobs_size_bytes_check check (size_bytes > 0),
    constraint blobs_uses_check check (uses >= 0)
);

create index blobs_unused_idx on blobs (wanted_at) where uses = 0;

-- Whatever shows a file refers to its row, and so keeps it from being deleted.
create table media (
    id bigint generated always as identity,
    owner_id bigint not null,
    blob_id bigint not null,
    thumbnail_id bigint,
    width integer,
    height integer,
    file_name text not null,
    created_at timestamptz not null,
    constraint media_pkey primary key (id),
    constraint media_owner_id_fkey foreign key (owner_id) references users (id),
    constraint media_blob_id_fkey foreign key (blob_id) references blobs (id),
    constraint media_thumbnail_id_fkey foreign key (thumbnail_id) references blobs (id),
    constraint media_size_check check ((width is null) = (height is null) and width > 0 and height > 0),
    constraint media_file_name_check check (char_length(file_name) between 1 and 200)
);

create index media_owner_id_id_idx on media (owner_id, id);
create index media_blob_id_idx on media (blob_id);
create index media_thumbnail_id_idx on media (thumbnail_id) where thumbnail_id is not null;

create type upload_state as enum ('OPEN', 'DONE', 'REFUSED');

-- Files that are sent straight to the storage.
create table uploads (
    id bigint generated always as identity,
    owner_id bigint not null,
    -- In urls and in the storage; nobody can guess it.
    key text not null,
    file_name text not null,
    content_type text not null,
    size_bytes bigint not null,
    state upload_state not null default 'OPEN',
    -- What it became; null again when that is deleted.
    media_id bigint,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    -- Whether what was sent is still to be taken out of the storage.
    pending boolean not null default true,
    constraint uploads_pkey primary key (id),
    constraint uploads_key_key unique (key),
    constraint uploads_owner_id_fkey foreign key (owner_id) references users (id),
    constraint uploads_media_id_fkey foreign key (media_id) references media (id) on delete set null,
    constraint uploads_size_bytes_check check (size_bytes > 0)
);

create index uploads_media_id_idx on uploads (media_id) where media_id is not null;
create index uploads_expires_at_idx on uploads (expires_at) where pending;

-- What each has, with what was announced; decided here when several uploads come at once.
create table file_usage (
    owner_id bigint not null,
    files integer not null,
    bytes bigint not null,
    constraint file_usage_pkey primary key (owner_id),
    constraint file_usage_owner_id_fkey foreign key (owner_id) references users (id),
    constraint file_usage_check check (files >= 0 and bytes >= 0)
);

alter table users add column avatar_id bigint,
    add constraint users_avatar_id_fkey foreign key (avatar_id) references media (id);

create index users_avatar_id_idx on users (avatar_id) where avatar_id is not null;

-- Deletes the files of somebody that nothing shows. What shows a file is known to its foreign keys alone.
create function delete_unshown_media(owner bigint) returns setof media language plpgsql as $$
declare
    file media;
    gone media;
begin
    for file in select * from media where owner_id = owner order by id loop
        begin
            delete from media where id = file.id returning * into gone;
            return next gone;
        exception when foreign_key_violation then
            null;
        end;
    end loop;
end
$$;
