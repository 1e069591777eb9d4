//! What should hold of groups.

use super::Rule;

/// The rules of this area.
pub const RULES: &[Rule] = &[
    (
        "a group has as many members as it says, and one owner among them",
        "select 'group ' || g.id as subject,
             'says ' || member_count || ', is ' || coalesce(m.n, 0) || ', with ' || coalesce(m.owners, 0) || ' owners' as detail
         from groups g left join (select group_id, count(*) as n, count(*) filter (where role = 'OWNER') as owners,
             min(user_id) filter (where role = 'OWNER') as owner from group_members group by group_id) m on m.group_id = g.id
         where member_count <> coalesce(m.n, 0) or (dissolved_at is null and m.owner is distinct from g.owner_id)",
    ),
    (
        "members of a group are the members of its conversation",
        "select 'group ' || coalesce(m.group_id, c.conversation_id) as subject,
             'user ' || coalesce(m.user_id, c.user_id) as detail
         from group_members m full join (select conversation_id, user_id from members
             where until_seq is null and conversation_id in (select id from groups)) c
             on c.conversation_id = m.group_id and c.user_id = m.user_id
         where m.user_id is null or c.user_id is null",
    ),
    (
        "a conversation knows who runs its group, its name, and whether all are muted",
        "select 'group ' || g.id as subject, 'user ' || m.user_id as detail
         from groups g join conversations c on c.id = g.id join group_members m on m.group_id = g.id
         join members w on w.conversation_id = g.id and w.user_id = m.user_id
         where w.is_staff <> (m.role <> 'GENERAL') or c.title is distinct from g.name or c.mute_all <> g.mute_all",
    ),
    (
        "a group has at most 20 managers",
        "select 'group ' || group_id as subject, count(*) || ' managers' as detail
         from group_members where role = 'MANAGER' group by group_id having count(*) > 20",
    ),
    (
        "members do not ask to join",
        "select 'request ' || r.id as subject, 'user ' || r.user_id || ' is in group ' || r.group_id as detail
         from group_join_requests r join group_members m on m.group_id = r.group_id and m.user_id = r.user_id
         where r.status = 'WAITING' and r.expires_at > now()",
    ),
    (
        "a group's position is the centre of its cell",
        "select 'position of group ' || group_id as subject, 'cell ' || cell as detail
         from (select group_id, cell, place, latitude, radians((cell % 100000 + 0.5) * 360
                 / greatest(floor(360 * cos(latitude) / 0.0045::float8), 1) - 180) as longitude
             from (select group_id, cell, place, radians((cell / 100000 + 0.5::float8) * 0.0045::float8 - 90) as latitude
                 from group_positions) rows) centres
         where cube_distance(place, cube(array[6371008.8 * cos(latitude) * cos(longitude),
             6371008.8 * cos(latitude) * sin(longitude), 6371008.8 * sin(latitude)]::float8[])) > 1",
    ),
    (
        "a dissolved group has no position",
        "select 'position of group ' || p.group_id as subject, 'dissolved ' || dissolved_at as detail
         from group_positions p join groups g on g.id = p.group_id where dissolved_at is not null",
    ),
];
