-- Contacts, profiles, one-time codes, captchas, suspensions, and the mail and SMS on their way out.

create type session_end as enum ('SIGNED_OUT', 'REVOKED', 'SUSPENDED');
create type gender as enum ('MALE', 'FEMALE', 'OTHER', 'UNSPECIFIED');
create type verification as enum ('NONE', 'PENDING', 'VERIFIED', 'REJECTED');
create type code_purpose as enum ('REGISTER', 'LOGIN', 'RESET_PASSWORD', 'VERIFY_EMAIL', 'VERIFY_PHONE');
create type message_channel as enum ('EMAIL', 'SMS');

alter table users
    -- Lower-cased. What somebody signs in with; a new one waits in profiles until it is verified.
    add email text,
    -- E.164.
    add phone text,
    -- False for those that an administrator put in.
    add email_verified boolean not null default false,
    add phone_verified boolean not null default false,
    add suspended_at timestamptz,
    -- Null: until it is lifted.
    add suspended_until timestamptz,
    add suspension_reason text,
    add constraint users_email_key unique (email),
    add constraint users_phone_key unique (phone),
    add constraint users_email_verified_check check (email is not null or not email_verified),
    add constraint users_phone_verified_check check (phone is not null or not phone_verified),
    add constraint users_suspension_check
        check (suspended_at is not null or (suspended_until is null and suspension_reason is null));

-- Administrators look for people by a part of their name.
create index users_username_key_trgm_idx on users using gin (username_key gin_trgm_ops);
create index users_nickname_trgm_idx on users using gin (nickname gin_trgm_ops);

create index users_role_idx on users (role, id);
create index users_suspended_idx on users (id) where suspended_at is not null;

-- Old ones are swept away.
create index refresh_tokens_rotated_at_idx on refresh_tokens (rotated_at) where rotated_at is not null;

-- What is rarely asked for, one row for each user: apart, so that the rows that every message shows stay small.
create table profiles (
    user_id bigint not null,
    -- Wait for the code that was sent to them.
    pending_email text,
    pending_phone text,
    gender gender not null default 'UNSPECIFIED',
    birthday date,
    bio text not null default '',
    score integer not null default 10,
    verification verification not null default 'NONE',
    country text,
    province text,
    city text,
    district text,
    id_card text,
    student_id text,
    address text not null default '',
    -- The centre of a grid cell of about 500 m, in degrees.
    longitude double precision,
    latitude double precision,
    constraint profiles_pkey primary key (user_id),
    constraint profiles_user_fkey foreign key (user_id) references users (id) on delete cascade,
    constraint profiles_coordinates_check check (
        (longitude is null) = (latitude is null)
        and longitude between -180 and 180 and latitude between -90 and 90
    )
);

insert into profiles (user_id) select id from users;

alter table sessions add end_reason session_end;
update sessions set end_reason = 'REVOKED' where revoked_at is not null;
alter table sessions add constraint sessions_end_check check ((revoked_at is null) = (end_reason is null));

-- The latest code for a contact and a purpose; an earlier one is replaced.
create table one_time_codes (
    -- An e-mail address or an E.164 number.
    contact text not null,
    purpose code_purpose not null,
    -- HMAC of purpose, contact and code.
    code_hash bytea not null,
    tries integer not null default 0,
    -- It went out by itself, when the contact was changed: the first request for a code is answered by it.
    unasked boolean not null,
    created_at timestamptz not null,
    expires_at timestamptz not null,
    constraint one_time_codes_pkey primary key (contact, purpose),
    constraint one_time_codes_tries_check check (tries between 0 and 5)
);

create index one_time_codes_expires_at_idx on one_time_codes (expires_at);

create table image_captchas (
    -- HMAC of the key that the client was given.
    key_hash bytea not null,
    purpose code_purpose not null,
    -- HMAC of key and answer.
    answer_hash bytea not null,
    expires_at timestamptz not null,
    constraint image_captchas_pkey primary key (key_hash)
);

create index image_captchas_expires_at_idx on image_captchas (expires_at);

-- Mail and SMS on their way out; a row is deleted once it was handed over.
create table outgoing_messages (
    id bigint generated always as identity,
    channel message_channel not null,
    recipient text not null,
    subject text not null,
    body text not null,
    -- The code in it, if there is one.
    code text,
    -- Goes out only if somebody has this contact: looked up by whoever delivers, so that the asker can't tell.
    only_if_known boolean not null,
    -- How often it was tried; the next try is not before due_at.
    tries integer not null default 0,
    due_at timestamptz not null,
    created_at timestamptz not null,
    -- Of no use any more.
    expires_at timestamptz not null,
    constraint outgoing_messages_pkey primary key (id)
);

create index outgoing_messages_due_at_idx on outgoing_messages (channel, due_at);
