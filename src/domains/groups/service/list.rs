//! Lists of groups: all, the viewer's own, and those that the viewer and another user are in.

use crate::db::keyset::{KeyValue, Keyset, KeysetPosition};
use crate::domains::groups::model::{Group, GroupFilter};
use crate::domains::groups::store;
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Terms, asked};
use crate::error::{AppError, AppResult};
use crate::ids::{GroupMemberId, UserId};
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;

/// A list of groups whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct GroupListQuery {
    filter: GroupFilter,
}

impl GroupListQuery {
    /// A list with this filter.
    #[must_use]
    pub fn new(GroupFilter { query, merchant, joined }: GroupFilter) -> Self {
        Self { filter: GroupFilter { query: asked(query), merchant, joined } }
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<KeysetPosition>> {
        args.request(serde_json::to_string(&("groups", &self.filter)).unwrap_or_default())
    }

    /// What is looked for; none where nothing can be found.
    async fn terms(&self, scope: &Scope) -> AppResult<Option<Option<Terms>>> {
        search::service::terms_of_list(scope, self.filter.query.as_deref(), &[SearchKind::Group]).await
    }

    fn conditions(&self, scope: &Scope) -> AppResult<store::GroupConditions> {
        let GroupFilter { merchant, joined, query: _ } = self.filter;
        let joined = joined.map(|joined| Ok::<_, AppError>((scope.viewer()?.user_id, joined))).transpose()?;
        Ok(store::GroupConditions { merchant, joined })
    }
}

/// A page of groups, the newest first.
///
/// # Errors
/// Bad input; unauthenticated without a token for those that the viewer is in, or not.
pub async fn list_groups(
    scope: &Scope,
    list: &GroupListQuery,
    page: &PageRequest<KeysetPosition>,
) -> AppResult<Page<Group>> {
    let conditions = list.conditions(scope)?;
    let rows = match list.terms(scope).await? {
        None => Vec::new(),
        Some(terms) => {
            let cut = Keyset::new(store::COLUMN, !page.backward, page.cursor.clone(), page.limit())?;
            store::list_groups(&*scope.db.read().await?, &conditions, terms.as_ref(), cut).await?
        }
    };
    Ok(page.page(rows, |group| (KeyValue::Number(group.created_at.timestamp_micros()), group.id.0)))
}

/// How many groups there are, up to a bound.
///
/// # Errors
/// As [`list_groups`].
pub async fn count_groups(scope: &Scope, list: &GroupListQuery, bound: i64) -> AppResult<i64> {
    let conditions = list.conditions(scope)?;
    match list.terms(scope).await? {
        None => Ok(0),
        Some(terms) => {
            Ok(store::count_groups(&*scope.db.read_long().await?, &conditions, terms.as_ref(), bound).await?)
        }
    }
}

/// Whose groups a list has: the viewer's, or of those the ones that another user is in as well.
#[derive(Clone, Copy, Debug)]
pub enum MembershipList {
    /// The viewer's.
    Own,
    /// Those that this user is in as well.
    CommonWith(UserId),
}

/// A page of groups of the viewer's, the last joined first.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn list_own(
    scope: &Scope,
    list: MembershipList,
    page: &PageRequest<GroupMemberId>,
) -> AppResult<Page<Group>> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read().await?;
    let rows = match list {
        MembershipList::Own => store::list_of_user(&conn, viewer, page).await?,
        MembershipList::CommonWith(other) => store::shared::list_common(&conn, viewer, other, page).await?,
    };
    Ok(page.page(rows, |(id, _)| *id).map(|(_, group)| group))
}

/// How many groups of the viewer's there are, up to a bound.
///
/// # Errors
/// Unauthenticated without a token.
pub async fn count_own(scope: &Scope, list: MembershipList, bound: i64) -> AppResult<i64> {
    let viewer = scope.viewer()?.user_id;
    let conn = scope.db.read_long().await?;
    Ok(match list {
        MembershipList::Own => store::count_of_user(&conn, viewer, bound).await?,
        MembershipList::CommonWith(other) => store::shared::count_common(&conn, viewer, other, bound).await?,
    })
}
