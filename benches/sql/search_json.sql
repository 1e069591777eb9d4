-- :query is replaced with a literal, so that this is planned with the word at hand, as Plaza's is.
with found as (
    select e.subject_id as id,
        round(1000000 * e.boost * (0.75 * ts_rank('{0.02, 0.15, 0.4, 1}', e.words, :query, 1) / 0.61 + 0.25))::bigint as score
    from (select e.subject_id, e.boost, e.words from search_entries e join items on items.id = e.subject_id
          where e.kind = 'ITEM' and items.status = 'OPEN' and e.words @@ :query
          order by e.subject_id desc limit 1000) e
    order by score desc, e.subject_id desc limit 20)
select coalesce(json_agg(json_build_object('id', i.id, 'title', i.title, 'price', (i.price / 100.0)::text,
    'createdAt', i.created_at,
    'images', (select coalesce(json_agg(json_build_object('url', g.name) order by p.position), '[]') from item_images p
        join media f on f.id = p.media_id join blobs g on g.id = f.blob_id where p.item_id = i.id),
    'seller', json_build_object('username', u.username, 'avatarUrl', b.name),
    'favoriteCount', i.favorite_count) order by found.score desc, found.id desc), '[]')
from found join items i on i.id = found.id join users u on u.id = i.owner_id
    left join media a on a.id = u.avatar_id left join blobs b on b.id = a.blob_id;
