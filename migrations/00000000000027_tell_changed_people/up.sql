-- Instances keep the public fields of users in memory; an event tells all of them of every change.

create function tell_changed_user() returns trigger language plpgsql as $$
begin
    insert into outbox (kind, audience, audience_id, user_id) values ('PERSON_CHANGED', 'USER', new.id, new.id);
    -- Wakes the sequencer, as instances do after a commit.
    perform pg_notify('plaza_outbox', '');
    return null;
end
$$;

create function tell_changed_profile() returns trigger language plpgsql as $$
begin
    insert into outbox (kind, audience, audience_id, user_id)
    values ('PERSON_CHANGED', 'USER', new.user_id, new.user_id);
    -- Wakes the sequencer, as instances do after a commit.
    perform pg_notify('plaza_outbox', '');
    return null;
end
$$;

create trigger users_tell_change after update on users for each row
when (
    (old.account_number, old.username, old.nickname, old.avatar_id, old.role, old.deleted_at, old.updated_at)
        is distinct from
    (new.account_number, new.username, new.nickname, new.avatar_id, new.role, new.deleted_at, new.updated_at)
) execute function tell_changed_user();

create trigger profiles_tell_change after update on profiles for each row
when (
    (old.gender, old.birthday, old.bio, old.score, old.verification, old.country, old.province, old.city, old.district)
        is distinct from
    (new.gender, new.birthday, new.bio, new.score, new.verification, new.country, new.province, new.city, new.district)
) execute function tell_changed_profile();
