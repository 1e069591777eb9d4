drop index members_pinned_idx;
