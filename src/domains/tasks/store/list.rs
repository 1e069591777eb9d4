//! Lists of tasks, as SQL.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::BigInt;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::{TaskCardFragment, TaskCardRow, TaskCardSqlType, VisibleTasks, card};
use crate::db::keyset::{ColumnType, Keyset, KeysetColumn};
use crate::db::{push_number_literal, statement};
use crate::domains::search::list_query::{ListPredicate, ListRows, SearchedTable};
use crate::domains::search::model::SearchKind;
use crate::domains::search::terms::Terms;
use crate::domains::tasks::model::{TaskCard, TaskFilter, TaskOrderField, TaskStatus};
use crate::ids::UserId;

/// Joins tasks to what search found.
const FOUND: SearchedTable = SearchedTable {
    kind: SearchKind::Task,
    join: " cross join lateral (select tasks.* from tasks where tasks.id = search_entries.subject_id offset 0) tasks",
};

/// The column of an order.
#[must_use]
pub fn column(field: TaskOrderField) -> KeysetColumn {
    let (name, column_type) = match field {
        TaskOrderField::CreatedAt => ("tasks.created_at", ColumnType::Instants),
        TaskOrderField::Price => ("tasks.price", ColumnType::Numbers),
    };
    KeysetColumn { name, id: "tasks.id", column_type }
}

/// What has to hold beside the state.
pub struct TaskConditions<'a> {
    filter: &'a TaskFilter,
    visible: Option<VisibleTasks>,
}

impl QueryFragment<Pg> for TaskConditions<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("true");
        let TaskFilter { min_price, max_price, publisher_id, assignee_id, query: _, status: _ } = self.filter;
        for (lead, price) in [(" and tasks.price >= ", min_price), (" and tasks.price <= ", max_price)] {
            if let Some(price) = price {
                out.push_sql(lead);
                push_number_literal(&mut out, price.fen());
            }
        }
        for (lead, person) in [(" and tasks.publisher_id = ", publisher_id), (" and tasks.assignee_id = ", assignee_id)]
        {
            if let Some(person) = person {
                out.push_sql(lead);
                out.push_bind_param::<BigInt, _>(person)?;
            }
        }
        if let Some(visible) = &self.visible {
            out.push_sql(" and ");
            visible.walk_ast(out.reborrow())?;
        }
        Ok(())
    }
}

statement! {
    by text
    /// A page of tasks.
    struct ListTaskCards<'a> { card: TaskCardFragment, rows: ListRows<'a> } -> TaskCardSqlType
    |this|
    "select " {&this.card} " from " {&this.rows} " join users on users.id = tasks.publisher_id" {&this.rows.cut}
}

statement! {
    by text
    /// How many tasks a list has, up to a bound.
    struct CountTasks<'a> { rows: ListRows<'a> } -> BigInt
    |this|
    "select count(*) from " {&this.rows}
}

/// Which tasks, of those that the viewer may see.
#[derive(Clone, Copy)]
pub struct TaskSelection<'a> {
    /// What has to hold.
    pub filter: &'a TaskFilter,
    /// In one of these states.
    pub states: &'a [TaskStatus],
    /// Who asks.
    pub viewer: Option<UserId>,
    /// That fit these words.
    pub terms: Option<&'a Terms>,
}

impl<'a> TaskSelection<'a> {
    /// What has to hold beside the state.
    #[must_use]
    pub fn conditions(&self) -> TaskConditions<'a> {
        let hides = self.states.contains(&TaskStatus::Cancelled);
        TaskConditions { filter: self.filter, visible: hides.then_some(VisibleTasks(self.viewer)) }
    }

    /// All that has to hold.
    #[must_use]
    pub fn predicate<'b>(&self, conditions: &'b TaskConditions<'b>) -> ListPredicate<'b> {
        let states = ListPredicate::states(self.states.iter().map(|status| status.name()), "task_status");
        ListPredicate { table: "tasks", states: Some(states), more: conditions }
    }

    /// The rows of a page.
    #[must_use]
    pub fn rows<'b>(&self, predicate: &'b ListPredicate<'b>, cut: Keyset) -> ListRows<'b>
    where
        'a: 'b,
    {
        ListRows::matching(predicate, cut, FOUND, self.terms)
    }
}

/// A page of tasks.
pub async fn list_tasks(
    mut conn: &AsyncPgConnection,
    which: TaskSelection<'_>,
    cut: Keyset,
) -> QueryResult<Vec<TaskCard>> {
    let conditions = which.conditions();
    let predicate = which.predicate(&conditions);
    let rows: Vec<TaskCardRow> =
        ListTaskCards { card: TaskCardFragment, rows: which.rows(&predicate, cut) }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// How many tasks there are, up to a bound.
pub async fn count_tasks(mut conn: &AsyncPgConnection, which: TaskSelection<'_>, bound: i64) -> QueryResult<i64> {
    let conditions = which.conditions();
    let predicate = which.predicate(&conditions);
    let cut = Keyset::count(column(TaskOrderField::CreatedAt), bound);
    CountTasks { rows: which.rows(&predicate, cut) }.get_result(&mut conn).await
}
