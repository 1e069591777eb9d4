//! The SQL of the composed list of items, as snapshots: what a filter adds to the statement is seen in the change that adds it.

use chrono::DateTime;
use diesel::pg::Pg;
use plaza::domains::items::model::{ItemDirection, ItemFilter, ItemStatus};
use plaza::domains::items::store::list::{Column, Cut, ItemPredicate, PageRows, Source};
use plaza::ids::UserId;
use plaza::money::Money;

/// A list's SQL and its parameters, a clause to a line.
fn sql_of(filter: &ItemFilter, source: Source<'_>, cut: Cut) -> String {
    let wanted = ItemPredicate { filter, viewer: Some(UserId(7)), with_deleted: false };
    let sql = diesel::debug_query::<Pg, _>(&PageRows { wanted, source, cut }).to_string();
    let clauses =
        [" from ", " where ", " and ", " or ", " cross join ", " union all ", " order by ", " limit ", " -- binds"];
    clauses.iter().fold(sql, |sql, clause| sql.replace(clause, &format!("\n{}", &clause[1..])))
}

fn all_filters() -> ItemFilter {
    let at = |seconds| Some(DateTime::from_timestamp(seconds, 0).unwrap());
    ItemFilter {
        query: None,
        direction: Some(ItemDirection::Sell),
        status: Some(vec![ItemStatus::Open]),
        category: Some(vec![1, 2]),
        min_price: Some(Money::from_fen(100)),
        max_price: Some(Money::from_fen(200)),
        min_condition: Some(5),
        owner_id: Some(UserId(3)),
        created_from: at(1_790_000_000),
        created_to: at(1_800_000_000),
    }
}

#[test]
fn a_list_of_items_is_this_sql() {
    let newest = || Cut::new(Column::CreatedAt, true, None, 11).unwrap();
    let cheapest_before = || Cut::new(Column::Price, true, Some((500, plaza::ids::ItemId(9))), 11).unwrap();
    let filters = |filter: &ItemFilter| sql_of(filter, Source::Filter, newest());
    insta::assert_snapshot!("items", filters(&ItemFilter::default()));
    let several = ItemFilter { owner_id: None, ..all_filters() };
    insta::assert_snapshot!("items_of_states_and_categories", filters(&several));
    insta::assert_snapshot!("items_with_all_filters", filters(&all_filters()));
    let deleted = ItemFilter { status: Some(vec![ItemStatus::Deleted]), ..ItemFilter::default() };
    insta::assert_snapshot!("items_deleted", filters(&deleted));
    let owners = [UserId(3), UserId(4)];
    insta::assert_snapshot!("items_of_owners", sql_of(&ItemFilter::default(), Source::Owners(&owners), newest()));
    let finished = sql_of(&ItemFilter::default(), Source::Finished(UserId(3)), newest());
    insta::assert_snapshot!("items_finished", finished);
    insta::assert_snapshot!("items_backward", sql_of(&all_filters(), Source::Filter, cheapest_before()));
    insta::assert_snapshot!("items_counted", sql_of(&all_filters(), Source::Filter, Cut::count(1000)));
}
