//! Lists of items.

use plaza::domains::items::model::{ItemDirection, ItemFilter, ItemStatus};
use plaza::domains::items::store::list::{Column, Cut, PageRows, Source};
use plaza::domains::items::store::predicate::ItemPredicate;
use plaza::ids::{ItemId, UserId};
use plaza::money::Money;

use super::{instant, sql_of};

fn sql(filter: &ItemFilter, source: Source<'_>, cut: Cut) -> String {
    let wanted = ItemPredicate { filter, viewer: Some(UserId(7)), with_deleted: false };
    sql_of(&PageRows { wanted, source, cut })
}

fn all_filters() -> ItemFilter {
    ItemFilter {
        query: None,
        direction: Some(ItemDirection::Sell),
        status: Some(vec![ItemStatus::Open]),
        category: Some(vec![1, 2]),
        min_price: Some(Money::from_fen(100)),
        max_price: Some(Money::from_fen(200)),
        min_condition: Some(5),
        owner_id: Some(UserId(3)),
        created_from: Some(instant(1_790_000_000)),
        created_to: Some(instant(1_800_000_000)),
    }
}

#[test]
fn a_list_of_items_is_this_sql() {
    let newest = || Cut::new(Column::CreatedAt, true, None, 11).unwrap();
    let cheapest_before = || Cut::new(Column::Price, true, Some((500, ItemId(9))), 11).unwrap();
    let filters = |filter: &ItemFilter| sql(filter, Source::Filter, newest());
    insta::assert_snapshot!("unfiltered", filters(&ItemFilter::default()));
    let several = ItemFilter { owner_id: None, ..all_filters() };
    insta::assert_snapshot!("of_states_and_categories", filters(&several));
    insta::assert_snapshot!("with_all_filters", filters(&all_filters()));
    let deleted = ItemFilter { status: Some(vec![ItemStatus::Deleted]), ..ItemFilter::default() };
    insta::assert_snapshot!("deleted", filters(&deleted));
    let owners = [UserId(3), UserId(4)];
    insta::assert_snapshot!("of_owners", sql(&ItemFilter::default(), Source::Owners(&owners), newest()));
    let finished = sql(&ItemFilter::default(), Source::Finished(UserId(3)), newest());
    insta::assert_snapshot!("finished", finished);
    insta::assert_snapshot!("backward", sql(&all_filters(), Source::Filter, cheapest_before()));
    insta::assert_snapshot!("counted", sql(&all_filters(), Source::Filter, Cut::count(1000)));
}
