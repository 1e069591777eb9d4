//! All SQL of tasks: single ones here, [`list`]s apart.

pub mod list;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{NewTask, Task, TaskCard, TaskChanges};
use crate::db::schema::{task_images, tasks};
use crate::db::{columns, statement};
use crate::domains::accounts::model::User;
use crate::ids::{MediaId, TaskId, UserId};

columns!(
    /// The columns of a task.
    static TASK: Task
);
columns!(
    /// The columns of its publisher.
    static USER: User
);

type TaskColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Task, Pg>>;
type UserColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<User, Pg>>;
type CardColumns = (TaskColumns, UserColumns, Array<BigInt>);
type CardRow = (Task, User, Vec<MediaId>);

/// The columns of a card.
struct Card;

impl QueryFragment<Pg> for Card {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        TASK.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        USER.walk_ast(out.reborrow())?;
        out.push_sql(
            ", array(select task_images.media_id from task_images where task_images.task_id = tasks.id \
             order by task_images.position)",
        );
        Ok(())
    }
}

fn card((task, publisher, images): CardRow) -> TaskCard {
    TaskCard { task, publisher: publisher.into(), images }
}

/// Whether somebody may see a task: cancelled ones are those they concerned, and the administrators'.
pub struct Visible(pub Option<UserId>);

impl QueryFragment<Pg> for Visible {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql("(tasks.status <> 'CANCELLED'");
        if let Some(viewer) = &self.0 {
            for lead in [
                " or tasks.publisher_id = ",
                " or tasks.assignee_id = ",
                " or exists (select from users where users.role = 'ADMIN' and users.id = ",
            ] {
                out.push_sql(lead);
                out.push_bind_param::<BigInt, _>(viewer)?;
            }
            out.push_sql(")");
        }
        out.push_sql(")");
        Ok(())
    }
}

statement! {
    /// Tasks by id, whatever became of them.
    struct CardsByIds<'a> { card: Card, ids: &'a [TaskId] } -> CardColumns
    |this|
    "select " {&this.card} " from tasks join users on users.id = tasks.publisher_id where tasks.id = any("
    [Array<BigInt>: &this.ids] ")"
}

statement! {
    by text
    /// Tasks by id, of those that somebody may see.
    struct VisibleCards<'a> { card: Card, ids: &'a [TaskId], visible: Visible } -> CardColumns
    |this|
    "select " {&this.card} " from tasks join users on users.id = tasks.publisher_id where tasks.id = any("
    [Array<BigInt>: &this.ids] ") and " {&this.visible}
}

/// The tasks with these ids, whatever became of them.
pub async fn list_cards(mut conn: &AsyncPgConnection, ids: &[TaskId]) -> QueryResult<Vec<TaskCard>> {
    let rows: Vec<CardRow> = CardsByIds { card: Card, ids }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// The tasks with these ids that this person may see.
pub async fn list_visible(
    mut conn: &AsyncPgConnection,
    ids: &[TaskId],
    viewer: Option<UserId>,
) -> QueryResult<Vec<TaskCard>> {
    let rows: Vec<CardRow> = VisibleCards { card: Card, ids, visible: Visible(viewer) }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// The tasks with these ids that can be found.
pub async fn list_findable(mut conn: &AsyncPgConnection, ids: &[TaskId]) -> QueryResult<Vec<Task>> {
    let found =
        tasks::table.filter(tasks::id.eq_any(ids)).filter(tasks::status.ne(super::model::TaskStatus::Cancelled));
    found.select(Task::as_select()).load(&mut conn).await
}

/// Adds a task.
pub async fn insert_task(mut conn: &AsyncPgConnection, task: &NewTask) -> QueryResult<Task> {
    diesel::insert_into(tasks::table).values(task).returning(Task::as_returning()).get_result(&mut conn).await
}

/// Holds a task, so that nobody changes it meanwhile.
pub async fn lock_task(mut conn: &AsyncPgConnection, id: TaskId) -> QueryResult<Option<Task>> {
    tasks::table.find(id).select(Task::as_select()).for_no_key_update().first(&mut conn).await.optional()
}

/// A task as it is now.
pub async fn find_task(mut conn: &AsyncPgConnection, id: TaskId) -> QueryResult<Option<Task>> {
    tasks::table.find(id).select(Task::as_select()).first(&mut conn).await.optional()
}

/// Changes a task that is held.
pub async fn update_task(mut conn: &AsyncPgConnection, id: TaskId, changes: &TaskChanges) -> QueryResult<Task> {
    diesel::update(tasks::table.find(id)).set(changes).returning(Task::as_returning()).get_result(&mut conn).await
}

statement! {
    /// Gives a task its pictures, in this order.
    struct InsertImages<'a> { task: TaskId, images: &'a [MediaId] } -> BigInt
    |this|
    "insert into task_images (task_id, position, media_id) select " [BigInt: &this.task]
    ", place - 1, id from unnest(" [Array<BigInt>: &this.images] ") with ordinality images (id, place)"
}

/// Gives a task its pictures.
pub async fn insert_images(mut conn: &AsyncPgConnection, task: TaskId, images: &[MediaId]) -> QueryResult<()> {
    if images.is_empty() {
        return Ok(());
    }
    InsertImages { task, images }.execute(&mut conn).await.map(drop)
}

/// Takes all pictures from a task.
pub async fn delete_images(mut conn: &AsyncPgConnection, task: TaskId) -> QueryResult<usize> {
    diesel::delete(task_images::table.filter(task_images::task_id.eq(task))).execute(&mut conn).await
}

statement! {
    /// Whether somebody has a task that is not over, published or accepted.
    struct IsBusy { person: UserId } -> diesel::sql_types::Bool
    |this|
    "select exists (select from tasks where publisher_id = " [BigInt: &this.person]
    " and status in ('OPEN', 'ACCEPTED')) or exists (select from tasks where assignee_id = " [BigInt: &this.person]
    " and status = 'ACCEPTED')"
}

/// Whether somebody has a task that is not over.
pub async fn is_busy(mut conn: &AsyncPgConnection, person: UserId) -> QueryResult<bool> {
    IsBusy { person }.get_result(&mut conn).await
}
