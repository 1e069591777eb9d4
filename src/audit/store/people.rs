//! What should hold of friends and positions.

use super::Rule;

/// The rules of this area.
pub const RULES: &[Rule] = &[
    (
        "a friendship has two sides as long as it lasts, and none without it",
        "select 'users ' || coalesce(r.low, s.low) || ' and ' || coalesce(r.high, s.high) as subject,
             coalesce(s.n, 0) || ' sides' as detail
         from (select low_user_id as low, high_user_id as high from relations where friends_since is not null) r
         full join (select least(owner_id, friend_id) as low, greatest(owner_id, friend_id) as high, count(*) as n
             from friendships group by 1, 2) s on (s.low, s.high) = (r.low, r.high)
         where r.low is null or s.n is distinct from 2",
    ),
    (
        "friends are as many as is counted",
        "select 'user ' || coalesce(c.user_id, f.owner_id) as subject,
             'says ' || coalesce(c.friends, 0) || ', is ' || coalesce(f.n, 0) as detail
         from friend_counts c full join (select owner_id, count(*) as n from friendships group by 1) f
             on f.owner_id = c.user_id where coalesce(c.friends, 0) <> coalesce(f.n, 0)",
    ),
    (
        "a friendship is hidden from the one who blocks, and from nobody else",
        "select 'friendship ' || f.id as subject, 'hidden ' || hidden as detail from friendships f
         where hidden <> exists (select from blocks where blocker_id = owner_id and blocked_id = friend_id)",
    ),
    (
        "a conversation knows who of its people blocks the other",
        "select 'conversation ' || c.id as subject, 'says ' || low_blocks || ' and ' || high_blocks as detail
         from conversations c where kind = 'DIRECT' and ((low_blocks, high_blocks) is distinct from (
             exists (select from blocks where blocker_id = low_user_id and blocked_id = high_user_id),
             exists (select from blocks where blocker_id = high_user_id and blocked_id = low_user_id)))",
    ),
    (
        "people who are friends do not ask each other",
        "select 'request ' || q.id as subject, q.from_user_id || ' asks ' || q.to_user_id as detail
         from friend_requests q join relations r on r.low_user_id = least(q.from_user_id, q.to_user_id)
             and r.high_user_id = greatest(q.from_user_id, q.to_user_id)
         where q.status = 'WAITING' and q.expires_at > now() and r.friends_since is not null",
    ),
    (
        "groups hold friends of their owner",
        "select 'group ' || g.id as subject, 'friendship ' || f.id || ' of user ' || f.owner_id as detail
         from friend_group_members m join friend_groups g on g.id = m.group_id
         join friendships f on f.id = m.friendship_id where f.owner_id <> g.owner_id",
    ),
    (
        "a position is shown at the centre of its cell",
        "select 'position of user ' || user_id as subject, 'cell ' || cell as detail
         from (select user_id, cell, place, latitude, radians((cell % 100000 + 0.5) * 360
                 / greatest(floor(360 * cos(latitude) / 0.0045::float8), 1) - 180) as longitude
             from (select user_id, cell, place, radians((cell / 100000 + 0.5::float8) * 0.0045::float8 - 90) as latitude
                 from positions where place is not null) rows) centres
         where cube_distance(place, cube(array[6371008.8 * cos(latitude) * cos(longitude),
             6371008.8 * cos(latitude) * sin(longitude), 6371008.8 * sin(latitude)]::float8[])) > 1",
    ),
    (
        "a user who has left has no position",
        "select 'position of user ' || p.user_id as subject, 'left ' || deleted_at as detail
         from positions p join users u on u.id = p.user_id where deleted_at is not null",
    ),
];
