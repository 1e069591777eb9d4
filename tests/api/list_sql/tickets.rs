//! Lists of tickets, which have one order: by when they were made.

use plaza::db::keyset::Keyset;
use plaza::domains::search::list_query::ListRows;
use plaza::domains::search::terms::Terms;
use plaza::domains::tickets::model::{TicketFilter, TicketStatus};
use plaza::domains::tickets::store::{COLUMN, TicketConditions};
use plaza::ids::UserId;

use super::{first_page, page_before, sql_of, terms};

fn sql(filter: &TicketFilter, terms: Option<&Terms>, cut: Keyset) -> String {
    let conditions = TicketConditions { filter, terms };
    sql_of(&ListRows::new(&conditions.predicate(), cut))
}

fn all_filters() -> TicketFilter {
    TicketFilter { status: Some(vec![TicketStatus::Open]), query: Some("fan".to_owned()), author_id: Some(UserId(3)) }
}

#[test]
fn a_list_of_tickets_is_this_sql() {
    let none = TicketFilter::default();
    insta::assert_snapshot!("unfiltered", sql(&none, None, first_page(COLUMN)));
    insta::assert_snapshot!("with_all_filters", sql(&all_filters(), Some(&terms()), first_page(COLUMN)));
    insta::assert_snapshot!("before_a_cursor", sql(&none, None, page_before(COLUMN)));
    insta::assert_snapshot!("counted", sql(&none, None, Keyset::count(COLUMN, 1000)));
}
