//! Lists of tasks: all, and those that the viewer published or accepted.

use crate::db::keyset::{KeyValue, Keyset, KeysetPosition};
use crate::domains::search;
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::{Terms, asked};
use crate::domains::tasks::model::{TaskCard, TaskFilter, TaskOrderField, TaskSort, TaskStatus};
use crate::domains::tasks::store::list::{self, TaskSelection};
use crate::error::AppResult;
use crate::ids::UserId;
use crate::page::{Page, PageArgs, PageRequest};
use crate::scope::Scope;

/// A list of tasks whose arguments were looked at.
#[derive(Clone, Debug)]
pub struct TaskListQuery {
    filter: TaskFilter,
    states: Vec<TaskStatus>,
    sort: TaskSort,
    viewer: Option<UserId>,
}

impl TaskListQuery {
    /// A list with this filter, in this order; `with_cancelled`: cancelled tasks come along where nothing is said of
    /// states.
    #[must_use]
    pub fn new(scope: &Scope, mut filter: TaskFilter, sort: Option<TaskSort>, with_cancelled: bool) -> Self {
        let viewer = scope.requester().viewer.map(|viewer| viewer.user_id);
        filter.query = asked(filter.query);
        let wants = |status: &TaskStatus| match &filter.status {
            Some(statuses) => statuses.contains(status),
            None => with_cancelled || *status != TaskStatus::Cancelled,
        };
        let sees = |status: &TaskStatus| viewer.is_some() || *status != TaskStatus::Cancelled;
        let states = TaskStatus::ALL.iter().copied().filter(|status| wants(status) && sees(status)).collect();
        let sort = sort.unwrap_or(TaskSort { field: TaskOrderField::CreatedAt, descending: true });
        Self { filter, states, sort, viewer }
    }

    /// The page that the arguments ask for.
    ///
    /// # Errors
    /// Bad input.
    pub fn page(&self, args: PageArgs) -> AppResult<PageRequest<KeysetPosition>> {
        let list = ("tasks", &self.filter, &self.states, self.sort);
        args.request(serde_json::to_string(&list).unwrap_or_default())
    }

    /// What is looked for; none where nothing can be found.
    async fn terms(&self, scope: &Scope) -> AppResult<Option<Option<Terms>>> {
        if self.states.is_empty() {
            return Ok(None);
        }
        search::service::terms_of_list(scope, self.filter.query.as_deref(), &[SearchKind::Task]).await
    }

    fn which<'a>(&'a self, terms: Option<&'a Terms>) -> TaskSelection<'a> {
        TaskSelection { filter: &self.filter, states: &self.states, viewer: self.viewer, terms }
    }

    fn place(&self, card: &TaskCard) -> KeysetPosition {
        let value = match self.sort.field {
            TaskOrderField::CreatedAt => card.task.created_at.timestamp_micros(),
            TaskOrderField::Price => card.task.price.fen(),
        };
        (KeyValue::Number(value), card.task.id.0)
    }
}

/// A page of tasks that the viewer may see.
///
/// # Errors
/// Bad input.
pub async fn list_tasks(
    scope: &Scope,
    list: &TaskListQuery,
    page: &PageRequest<KeysetPosition>,
) -> AppResult<Page<TaskCard>> {
    let rows = match list.terms(scope).await? {
        None => Vec::new(),
        Some(terms) => {
            let descending = list.sort.descending != page.backward;
            let cut = Keyset::new(list::column(list.sort.field), descending, page.cursor.clone(), page.limit())?;
            list::list_tasks(&*scope.db.read().await?, list.which(terms.as_ref()), cut).await?
        }
    };
    Ok(page.page(rows, |card| list.place(card)))
}

/// How many tasks a list has, up to a bound.
///
/// # Errors
/// When the database fails.
pub async fn count_tasks(scope: &Scope, list: &TaskListQuery, bound: i64) -> AppResult<i64> {
    match list.terms(scope).await? {
        None => Ok(0),
        Some(terms) => Ok(list::count_tasks(&*scope.db.read_long().await?, list.which(terms.as_ref()), bound).await?),
    }
}
