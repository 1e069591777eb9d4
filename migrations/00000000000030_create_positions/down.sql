update profiles set
    longitude = round(((cell % 100000 + 0.5::float8) * (360 / columns) - 180)::numeric, 6)::float8,
    latitude = round(((cell / 100000 + 0.5::float8) * 0.0045::float8 - 90)::numeric, 6)::float8
from (select user_id, cell,
        greatest(floor(360 * cos(radians((cell / 100000 + 0.5::float8) * 0.0045::float8 - 90)) / 0.0045::float8), 1) as columns
    from positions) p
where p.user_id = profiles.user_id;
drop table near_asks;
drop table positions;
drop type position_visibility;
drop extension cube;
