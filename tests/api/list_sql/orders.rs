//! Lists of orders, which have one order: by when they were made.

use plaza::db::keyset::Keyset;
use plaza::domains::orders::model::{OrderFilter, OrderStatus};
use plaza::domains::orders::store::{COLUMN, OrderConditions};
use plaza::domains::search::list_query::ListRows;
use plaza::ids::UserId;

use super::{first_page, instant, page_before, sql_of};

fn sql(filter: &OrderFilter, cut: Keyset) -> String {
    sql_of(&ListRows::new(&OrderConditions(filter).predicate(), cut))
}

fn all_filters() -> OrderFilter {
    OrderFilter {
        status: Some(vec![OrderStatus::Pending, OrderStatus::Shipped]),
        buyer_id: Some(UserId(3)),
        created_from: Some(instant(1_790_000_000)),
        created_to: Some(instant(1_800_000_000)),
    }
}

#[test]
fn a_list_of_orders_is_this_sql() {
    let none = OrderFilter::default();
    insta::assert_snapshot!("unfiltered", sql(&none, first_page(COLUMN)));
    insta::assert_snapshot!("with_all_filters", sql(&all_filters(), first_page(COLUMN)));
    insta::assert_snapshot!("before_a_cursor", sql(&none, page_before(COLUMN)));
    insta::assert_snapshot!("counted", sql(&none, Keyset::count(COLUMN, 1000)));
}
