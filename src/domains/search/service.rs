//! Use cases of search: knowing things, and finding them.

use std::collections::BTreeMap;

use diesel_async::{AsyncConnection, AsyncPgConnection};
use strsim::osa_distance;

use super::model::{Hit, HitKey, SearchEntry, SearchKind};
use super::terms::{ParsedQuery, Spellings, Terms};
use super::{store, words};
use crate::app::App;
use crate::error::{AppError, AppResult};
use crate::page::{Page, PageRequest};
use crate::scope::Scope;
use crate::text::check_length;

/// The longest query, in characters.
const LONGEST_QUERY: usize = 100;

/// Spellings of one word that are looked for.
const MOST_SPELLINGS: usize = 20;

/// Words that are looked at in one transaction.
const BATCH_SIZE: i64 = 200;

/// Writes what search knows of something, within the transaction that changes it, as its last statement.
///
/// # Errors
/// When the database fails.
pub async fn index<T: Sync>(conn: &AsyncPgConnection, subject: &T) -> AppResult<()>
where
    for<'a> SearchEntry: From<&'a T>,
{
    words::ready().await;
    Ok(store::upsert_entries(conn, &[SearchEntry::from(subject)]).await?)
}

/// Changes what something's score is multiplied with, within the transaction that changes its state.
///
/// # Errors
/// When the database fails.
pub async fn set_boost(conn: &AsyncPgConnection, kind: SearchKind, id: i64, boost: f32) -> AppResult<()> {
    store::update_boost(conn, kind, id, boost).await?;
    Ok(())
}

/// Lets things be found no more, within the transaction that hides them.
///
/// # Errors
/// When the database fails.
pub async fn forget(conn: &AsyncPgConnection, kind: SearchKind, ids: &[i64]) -> AppResult<()> {
    store::delete_entries(conn, kind, ids).await?;
    Ok(())
}

/// What a query asks for; none when there is nothing in it to look for.
///
/// # Errors
/// Bad input for a query that is too long.
pub async fn terms(scope: &Scope, text: &str, kinds: &[SearchKind]) -> AppResult<Option<Terms>> {
    let query = parse(text).await?;
    let typed: Vec<&str> = query.spelled().into_iter().collect();
    if typed.is_empty() {
        return Ok(query.terms(&Spellings::new()));
    }
    let known = store::list_spelled_like(&*scope.db.read_long().await?, &typed, kinds).await?;
    Ok(query.terms(&spellings(known)))
}

/// What a query asks for as it is typed, without words that are like those of others'; none when there is nothing in it to look for.
///
/// # Errors
/// Bad input for a query that is too long.
pub async fn own_terms(text: &str) -> AppResult<Option<Terms>> {
    Ok(parse(text).await?.terms(&Spellings::new()))
}

async fn parse(text: &str) -> AppResult<ParsedQuery> {
    if check_length(text, LONGEST_QUERY).is_err() {
        return Err(AppError::bad_input(format!("A query has at most {LONGEST_QUERY} characters.")));
    }
    words::ready().await;
    Ok(ParsedQuery::parse(text))
}

/// What a list is to look for, which is nothing without a query; none where nothing can be found.
///
/// # Errors
/// Bad input for a query that is too long.
pub async fn terms_of_list(
    scope: &Scope,
    query: Option<&str>,
    kinds: &[SearchKind],
) -> AppResult<Option<Option<Terms>>> {
    match query {
        None => Ok(Some(None)),
        Some(query) => Ok(terms(scope, query, kinds).await?.map(Some)),
    }
}

/// Deletes words that no entry has any more, a batch in a transaction so that writers wait only briefly. When the lock is
/// taken, the rest is left to the next run.
///
/// # Errors
/// When the database fails.
pub async fn delete_unused_words(app: &App) -> AppResult<usize> {
    let (mut after, mut total) = (String::new(), 0);
    loop {
        let mut conn = app.database.get().await?;
        let batch = conn.transaction(async |conn| {
            if !store::lock_words(conn).await? {
                return Ok(None);
            }
            store::delete_unused_words(conn, &after, BATCH_SIZE).await.map(Some)
        });
        let Some((deleted, last)) = batch.await? else { return Ok(total) };
        total += usize::try_from(deleted).unwrap_or(0);
        match last.filter(|_| !app.stop.is_cancelled()) {
            Some(last) => after = last,
            None => return Ok(total),
        }
    }
}

/// Of the words that are like a typed one: those that have it in them; if there are none, those that it is one or two
/// slips away from.
fn spellings(known: Vec<(String, String)>) -> Spellings {
    let mut like: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (typed, word) in known {
        like.entry(typed).or_default().push(word);
    }
    for (typed, words) in &mut like {
        if words.iter().any(|word| word.contains(typed.as_str())) {
            // What begins with it is found by that.
            words.retain(|word| word.contains(typed.as_str()) && !word.starts_with(typed.as_str()));
        } else {
            let slips = if typed.chars().count() < 6 { 1 } else { 2 };
            words.retain(|word| osa_distance(typed, word) <= slips);
        }
        words.truncate(MOST_SPELLINGS);
    }
    like
}

/// A page of what fits a query, the best first.
///
/// # Errors
/// Bad input for a query that is too long.
pub async fn search(
    scope: &Scope,
    kinds: &[SearchKind],
    terms: &Terms,
    page: &PageRequest<HitKey>,
) -> AppResult<Page<Hit>> {
    let conn = scope.db.read_long().await?;
    let hits = store::list_hits(&conn, kinds, terms, page).await?;
    Ok(page.page(hits, Hit::key))
}

/// How much fits a query, up to a bound.
///
/// # Errors
/// When the database fails.
pub async fn count(scope: &Scope, kinds: &[SearchKind], terms: &Terms, bound: i64) -> AppResult<i64> {
    Ok(store::count_hits(&*scope.db.read_long().await?, kinds, terms).await?.min(bound))
}

/// Some entries whose words older rules made.
///
/// # Errors
/// When the database fails.
pub async fn list_stale(conn: &AsyncPgConnection, limit: i64) -> AppResult<Vec<(SearchKind, i64)>> {
    let stale = store::list_stale(conn, limit).await?;
    if !stale.is_empty() {
        words::ready().await;
    }
    Ok(stale)
}

/// Holds the entries of one kind that are still stale, within the caller's transaction, and returns them. Hold them before
/// what they are about is read: a change of it then writes its words after this.
///
/// # Errors
/// When the database fails.
pub async fn lock_stale(conn: &AsyncPgConnection, kind: SearchKind, ids: &[i64]) -> AppResult<Vec<i64>> {
    Ok(store::lock_stale(conn, kind, ids).await?)
}

/// Replaces the entries of one kind; those of `ids` that have none any more can't be found.
///
/// # Errors
/// When the database fails.
pub async fn replace(
    conn: &AsyncPgConnection,
    kind: SearchKind,
    ids: &[i64],
    entries: &[SearchEntry],
) -> AppResult<()> {
    let gone = ids.iter().filter(|id| !entries.iter().any(|entry| entry.subject_id == **id));
    store::delete_entries(conn, kind, &gone.copied().collect::<Vec<_>>()).await?;
    Ok(store::upsert_entries(conn, entries).await?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_or_two_is_forgiven() {
        let known = |pairs: &[(&str, &str)]| {
            let pairs = pairs.iter().map(|(typed, word)| ((*typed).to_owned(), (*word).to_owned()));
            spellings(pairs.collect())
        };
        assert_eq!(known(&[("iphnoe", "iphone"), ("iphnoe", "phone")])["iphnoe"], ["iphone", "phone"]);
        assert_eq!(known(&[("soyn", "sony"), ("soyn", "soy")])["soyn"], ["sony", "soy"]);
        assert_eq!(known(&[("book", "macbook"), ("book", "boot"), ("book", "books")])["book"], ["macbook"]);
        assert!(known(&[("bool", "macbook")])["bool"].is_empty());
    }
}
