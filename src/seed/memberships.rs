//! Generated groups with their members, conversations and places.

use std::collections::BTreeSet;

use tokio_postgres::Transaction;

use super::bulk::{ENTRIES, SeedCounts, add_words, at, entry, key};
use super::positions::{self, CITIES};
use super::store::{self, ExistingCounts};
use super::words;
use crate::domains::groups::policy::{MANAGER_LIMIT, MEMBER_LIMIT};
use crate::domains::search::words::{Field, SearchDocument};
use crate::error::AppResult;

/// One in so many groups is full.
const FULL: i64 = 200;

/// From how many members on the other groups have, and how many different sizes there are.
const SMALLEST: i64 = 5;
const SIZES: i64 = 46;

/// How far apart the owners of one group and the next are.
const STEP: i64 = 7919;

/// Groups of people from `first` on.
struct GroupRows<'a> {
    transaction: &'a Transaction<'a>,
    groups: i64,
    users: i64,
    /// The first person's key.
    first: i64,
    /// The first group's key.
    first_group: i64,
}

/// A member of a group, by numbers.
struct MemberRow {
    group: i64,
    user: i64,
    role: &'static str,
    joined_at: String,
}

/// Groups of people from `first` on; the larger the number of groups, the more a person is in.
pub(super) async fn add(
    transaction: &Transaction<'_>,
    existing: &ExistingCounts,
    counts: SeedCounts,
    first: i64,
) -> AppResult<()> {
    let SeedCounts { users, conversations, groups, .. } = counts;
    // Direct conversations have the keys before.
    let first_group = key(existing, "conversations") + conversations + 1;
    let rows = GroupRows { transaction, groups, users, first, first_group };
    rows.add_groups().await?;
    rows.add_members(key(existing, "group_members") + 1).await?;
    rows.add_entries().await?;
    rows.add_positions().await
}

impl GroupRows<'_> {
    /// How many are in a group.
    fn size(&self, group: i64) -> i64 {
        let size = if group % FULL == 0 { i64::from(MEMBER_LIMIT) } else { SMALLEST + group * STEP % SIZES };
        size.min(self.users)
    }

    /// A member's key; the first one is the owner.
    fn user(&self, group: i64, n: i64) -> i64 {
        self.first + (group * STEP + n) % self.users
    }

    /// All members of all groups: an owner each, and a manager for every ten members.
    fn members(&self) -> impl Iterator<Item = MemberRow> {
        let most = i64::try_from(MANAGER_LIMIT).unwrap_or(i64::MAX);
        (0..self.groups).flat_map(move |group| {
            let size = self.size(group);
            let managers = (size / 10).min(most);
            (0..size).map(move |n| {
                let role = match n {
                    0 => "OWNER",
                    n if n <= managers => "MANAGER",
                    _ => "GENERAL",
                };
                let (user, joined_at) = (self.user(group, n), at(60 * group + n));
                MemberRow { group: self.first_group + group, user, role, joined_at }
            })
        })
    }

    async fn add_groups(&self) -> AppResult<()> {
        let columns = "id, kind, title, last_activity_at, created_at";
        let mut rows = store::copy(self.transaction, "conversations", columns).await?;
        for n in 0..self.groups {
            let ((name, _), at) = (words::group_text(n), at(60 * n));
            rows.add(&format!("{}\tGROUP\t{name}\t{at}\t{at}", self.first_group + n)).await?;
        }
        rows.finish().await?;
        let columns = "id, name, intro, owner_id, member_count, disable_add_member, disable_view_member, \
                       disable_join_requests, enable_history_for_new_members, mute_all, created_at, updated_at";
        let mut rows = store::copy(self.transaction, "groups", columns).await?;
        for n in 0..self.groups {
            let ((name, intro), at) = (words::group_text(n), at(60 * n));
            let (id, owner, size) = (self.first_group + n, self.user(n, 0), self.size(n));
            let (private, closed) = (n % 5 == 1, n % 10 == 9);
            let settings = format!("{private}\t{private}\t{closed}\ttrue\tfalse");
            rows.add(&format!("{id}\t{name}\t{intro}\t{owner}\t{size}\t{settings}\t{at}\t{at}")).await?;
        }
        rows.finish().await.map(drop)
    }

    async fn add_members(&self, first: i64) -> AppResult<()> {
        let columns = "id, group_id, user_id, role, joined_at";
        let mut rows = store::copy(self.transaction, "group_members", columns).await?;
        for (id, MemberRow { group, user, role, joined_at }) in (first..).zip(self.members()) {
            rows.add(&format!("{id}\t{group}\t{user}\t{role}\t{joined_at}")).await?;
        }
        rows.finish().await?;
        let columns = "conversation_id, user_id, is_staff, joined_at";
        let mut rows = store::copy(self.transaction, "members", columns).await?;
        for MemberRow { group, user, role, joined_at } in self.members() {
            rows.add(&format!("{group}\t{user}\t{}\t{joined_at}", role != "GENERAL")).await?;
        }
        rows.finish().await.map(drop)
    }

    async fn add_entries(&self) -> AppResult<()> {
        let mut rows = store::copy(self.transaction, ENTRIES.0, ENTRIES.1).await?;
        let mut spelled = BTreeSet::new();
        for n in 0..self.groups {
            let (name, intro) = words::group_text(n);
            let document = SearchDocument::new(&[(&name, Field::Title), (&intro, Field::Text)]);
            spelled.extend(document.spelled().map(ToOwned::to_owned));
            rows.add(&entry("GROUP", self.first_group + n, 1.0, &document)).await?;
        }
        rows.finish().await?;
        add_words(self.transaction, "GROUP", &spelled).await
    }

    /// Every other group has a place.
    async fn add_positions(&self) -> AppResult<()> {
        let mut rows = store::copy(self.transaction, "group_positions", "group_id, cell, place").await?;
        for (n, centre) in (0..self.groups).step_by(2).zip(CITIES.iter().cycle()) {
            let (id, cell) = (self.first_group + n, positions::place(n, *centre).cell());
            let [x, y, z] = cell.point_of(id);
            rows.add(&format!("{id}\t{}\t({x}, {y}, {z})", cell.number())).await?;
        }
        rows.finish().await.map(drop)
    }
}
