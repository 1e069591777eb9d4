//! All SQL of tasks: single ones here, [`list`]s apart.

pub mod list;

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::sql_types::{Array, BigInt};
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::model::{Dispute, NewDispute, NewTask, Resolution, Task, TaskCard, TaskChanges, TaskStatus};
use crate::db::schema::{task_disputes, task_images, tasks};
use crate::db::{columns, statement};
use crate::domains::accounts::model::{Suspension, User};
use crate::ids::{MediaId, TaskId, UserId};
use crate::text::ERASED;

columns!(
    /// The columns of a task.
    static TASK: Task
);
columns!(
    /// The columns of its publisher.
    static USER: User
);
columns!(
    /// Whether its publisher is suspended.
    static SUSPENSION: Suspension
);

type TaskColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Task, Pg>>;
type TaskUserSqlType = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<User, Pg>>;
type SuspensionColumns = diesel::dsl::SqlTypeOf<diesel::dsl::AsSelect<Suspension, Pg>>;
type TaskCardSqlType = (TaskColumns, TaskUserSqlType, SuspensionColumns, Array<BigInt>);
type TaskCardRow = (Task, User, Suspension, Vec<MediaId>);

/// The columns of a card.
struct TaskCardFragment;

impl QueryFragment<Pg> for TaskCardFragment {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        TASK.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        USER.walk_ast(out.reborrow())?;
        out.push_sql(", ");
        SUSPENSION.walk_ast(out.reborrow())?;
        out.push_sql(
            ", array(select task_images.media_id from task_images where task_images.task_id = tasks.id \
             order by task_images.position)",
        );
        Ok(())
    }
}

fn card((task, publisher, suspension, images): TaskCardRow) -> TaskCard {
    TaskCard { task, publisher: publisher.into(), suspension, images }
}

/// Whether the viewer may see a task: cancelled ones only as their publisher, assignee, or an administrator.
pub struct VisibleTasks(pub Option<UserId>);

impl QueryFragment<Pg> for VisibleTasks {
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
    /// Tasks by id, in any state.
    struct TaskCardsByIds<'a> { card: TaskCardFragment, ids: &'a [TaskId] } -> TaskCardSqlType
    |this|
    "select " {&this.card} " from tasks join users on users.id = tasks.publisher_id where tasks.id = any("
    [Array<BigInt>: &this.ids] ")"
}

statement! {
    by text
    /// Tasks by id, of those that the viewer may see.
    struct VisibleTaskCards<'a> { card: TaskCardFragment, ids: &'a [TaskId], visible: VisibleTasks } -> TaskCardSqlType
    |this|
    "select " {&this.card} " from tasks join users on users.id = tasks.publisher_id where tasks.id = any("
    [Array<BigInt>: &this.ids] ") and " {&this.visible}
}

/// The tasks with these ids, in any state.
pub async fn list_cards(mut conn: &AsyncPgConnection, ids: &[TaskId]) -> QueryResult<Vec<TaskCard>> {
    let rows: Vec<TaskCardRow> = TaskCardsByIds { card: TaskCardFragment, ids }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// The tasks with these ids that this person may see.
pub async fn list_visible(
    mut conn: &AsyncPgConnection,
    ids: &[TaskId],
    viewer: Option<UserId>,
) -> QueryResult<Vec<TaskCard>> {
    let rows: Vec<TaskCardRow> =
        VisibleTaskCards { card: TaskCardFragment, ids, visible: VisibleTasks(viewer) }.load(&mut conn).await?;
    Ok(rows.into_iter().map(card).collect())
}

/// The tasks with these ids that can be found.
pub async fn list_findable(mut conn: &AsyncPgConnection, ids: &[TaskId]) -> QueryResult<Vec<Task>> {
    let found = tasks::table.filter(tasks::id.eq_any(ids)).filter(tasks::status.ne(TaskStatus::Cancelled));
    found.select(Task::as_select()).load(&mut conn).await
}

/// Adds a task.
pub async fn insert_task(mut conn: &AsyncPgConnection, task: &NewTask) -> QueryResult<Task> {
    diesel::insert_into(tasks::table).values(task).returning(Task::as_returning()).get_result(&mut conn).await
}

/// Locks a task against concurrent changes.
pub async fn lock_task(mut conn: &AsyncPgConnection, id: TaskId) -> QueryResult<Option<Task>> {
    tasks::table.find(id).select(Task::as_select()).for_no_key_update().get_result(&mut conn).await.optional()
}

/// A task as it is now.
pub async fn find_task(mut conn: &AsyncPgConnection, id: TaskId) -> QueryResult<Option<Task>> {
    tasks::table.find(id).select(Task::as_select()).get_result(&mut conn).await.optional()
}

/// Changes a task that is held.
pub async fn update_task(mut conn: &AsyncPgConnection, id: TaskId, changes: &TaskChanges) -> QueryResult<Task> {
    diesel::update(tasks::table.find(id)).set(changes).returning(Task::as_returning()).get_result(&mut conn).await
}

statement! {
    /// Gives a task its pictures, in this order.
    struct InsertTaskImages<'a> { task: TaskId, images: &'a [MediaId] } -> BigInt
    |this|
    "insert into task_images (task_id, position, media_id) select " [BigInt: &this.task]
    ", place - 1, id from unnest(" [Array<BigInt>: &this.images] ") with ordinality images (id, place)"
}

/// Gives a task its pictures.
pub async fn insert_images(mut conn: &AsyncPgConnection, task: TaskId, images: &[MediaId]) -> QueryResult<()> {
    if images.is_empty() {
        return Ok(());
    }
    InsertTaskImages { task, images }.execute(&mut conn).await.map(drop)
}

/// Takes all pictures from a task.
pub async fn delete_images(mut conn: &AsyncPgConnection, task: TaskId) -> QueryResult<usize> {
    diesel::delete(task_images::table.filter(task_images::task_id.eq(task))).execute(&mut conn).await
}

statement! {
    /// Whether a publisher is suspended, and how many accepted tasks of a person's are not over.
    struct FindAcceptance { publisher: UserId, person: UserId } -> (SuspensionColumns, BigInt)
    |this|
    "select " {&*SUSPENSION} ", (select count(*) from tasks where assignee_id = " [BigInt: &this.person]
    " and status in ('ACCEPTED', 'SUBMITTED', 'DISPUTED')) from users where id = " [BigInt: &this.publisher]
}

/// Whether a publisher is suspended, and how many accepted tasks of a person's are not over.
pub async fn find_acceptance(
    mut conn: &AsyncPgConnection,
    publisher: UserId,
    person: UserId,
) -> QueryResult<(Suspension, i64)> {
    FindAcceptance { publisher, person }.get_result(&mut conn).await
}

statement! {
    /// Whether a user has a task that is not over, published or accepted.
    struct IsBusy { person: UserId } -> diesel::sql_types::Bool
    |this|
    "select exists (select from tasks where publisher_id = " [BigInt: &this.person]
    " and status in ('OPEN', 'ACCEPTED', 'SUBMITTED', 'DISPUTED')) or exists (select from tasks where assignee_id = "
    [BigInt: &this.person] " and status in ('ACCEPTED', 'SUBMITTED', 'DISPUTED'))"
}

/// Whether a user has a task that is not over.
pub async fn has_open_tasks(mut conn: &AsyncPgConnection, person: UserId) -> QueryResult<bool> {
    IsBusy { person }.get_result(&mut conn).await
}

/// Opens a dispute over a task that is held.
pub async fn insert_dispute(mut conn: &AsyncPgConnection, dispute: &NewDispute<'_>) -> QueryResult<usize> {
    diesel::insert_into(task_disputes::table).values(dispute).execute(&mut conn).await
}

/// Ends the open dispute over a task that is held.
pub async fn resolve_dispute(
    mut conn: &AsyncPgConnection,
    task: TaskId,
    Resolution { by, paid, note, at }: Resolution<'_>,
) -> QueryResult<usize> {
    let open =
        task_disputes::table.filter(task_disputes::task_id.eq(task)).filter(task_disputes::resolved_at.is_null());
    let end = (
        task_disputes::resolved_by.eq(by),
        task_disputes::paid.eq(paid),
        task_disputes::note.eq(note),
        task_disputes::resolved_at.eq(at),
    );
    diesel::update(open).set(end).execute(&mut conn).await
}

/// The last dispute over each of these tasks.
pub async fn list_disputes(mut conn: &AsyncPgConnection, tasks: &[TaskId]) -> QueryResult<Vec<Dispute>> {
    task_disputes::table
        .filter(task_disputes::task_id.eq_any(tasks))
        .distinct_on(task_disputes::task_id)
        .order((task_disputes::task_id, task_disputes::id.desc()))
        .select(Dispute::as_select())
        .load(&mut conn)
        .await
}

/// Erases what a person said in tasks that are over, and the pictures of those that they published.
pub async fn erase_contents(mut conn: &AsyncPgConnection, person: UserId) -> QueryResult<()> {
    let published = tasks::table.filter(tasks::publisher_id.eq(person)).select(tasks::id);
    diesel::delete(task_images::table.filter(task_images::task_id.eq_any(published))).execute(&mut conn).await?;
    let published = tasks::table.filter(tasks::publisher_id.eq(person));
    diesel::update(published).set(tasks::content.eq(ERASED)).execute(&mut conn).await?;
    let done = tasks::table.filter(tasks::assignee_id.eq(person)).filter(tasks::submission_note.is_not_null());
    diesel::update(done).set(tasks::submission_note.eq(None::<String>)).execute(&mut conn).await?;
    let opened = task_disputes::table.filter(task_disputes::opened_by.eq(person));
    diesel::update(opened).set(task_disputes::reason.eq(ERASED)).execute(&mut conn).await?;
    Ok(())
}
