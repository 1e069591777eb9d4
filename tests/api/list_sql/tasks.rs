//! Lists of tasks.

use async_graphql::resolver_utils::EnumType;
use plaza::db::keyset::Keyset;
use plaza::domains::tasks::model::{TaskFilter, TaskOrderField, TaskStatus};
use plaza::domains::tasks::store::list::{TaskSelection, column};
use plaza::ids::UserId;
use plaza::money::Money;

use super::{first_page, page_before, sql_of, terms};

fn sql(which: TaskSelection<'_>, cut: Keyset) -> String {
    let conditions = which.conditions();
    sql_of(&which.rows(&which.predicate(&conditions), cut))
}

fn all_filters() -> TaskFilter {
    TaskFilter {
        query: Some("fan".to_owned()),
        status: Some(vec![TaskStatus::Open]),
        min_price: Some(Money::from_fen(100)),
        max_price: Some(Money::from_fen(200)),
        publisher_id: Some(UserId(3)),
        assignee_id: Some(UserId(4)),
    }
}

#[test]
fn a_list_of_tasks_is_this_sql() {
    let newest = || first_page(column(TaskOrderField::CreatedAt));
    let (none, all, found) = (TaskFilter::default(), all_filters(), terms());
    let open = TaskSelection { filter: &none, states: &[TaskStatus::Open], viewer: Some(UserId(7)), terms: None };
    insta::assert_snapshot!("unfiltered", sql(open, newest()));
    let states = [TaskStatus::Open, TaskStatus::Finished];
    insta::assert_snapshot!("of_states", sql(TaskSelection { states: &states, ..open }, newest()));
    let filtered = TaskSelection { filter: &all, ..open };
    insta::assert_snapshot!("with_all_filters", sql(filtered, newest()));
    let cancelled = TaskSelection { states: &[TaskStatus::Cancelled], ..open };
    insta::assert_snapshot!("cancelled", sql(cancelled, newest()));
    let with_words = TaskSelection { terms: Some(&found), ..filtered };
    insta::assert_snapshot!("found", sql(with_words, page_before(column(TaskOrderField::Price))));
    insta::assert_snapshot!("counted", sql(open, Keyset::count(column(TaskOrderField::CreatedAt), 1000)));
}

#[test]
fn a_list_of_tasks_has_these_orders() {
    let filter = TaskFilter::default();
    let open = TaskSelection { filter: &filter, states: &[TaskStatus::Open], viewer: None, terms: None };
    for order in TaskOrderField::items() {
        let column = column(order.value);
        let pages = [first_page(column), page_before(column)].map(|cut| sql(open, cut));
        insta::assert_snapshot!(format!("by_{}", order.name.to_lowercase()), pages.join("\n\n"));
    }
}
