//! All SQL of search.

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};
use diesel::result::{DatabaseErrorKind, Error};
use diesel::sql_types::{Array, BigInt, Float, Nullable, SmallInt, Text};
use diesel_async::{AsyncPgConnection, RunQueryDsl, SimpleAsyncConnection};

use super::model::{Hit, HitKey, SearchEntry, SearchKind};
use super::terms::{Matching, Terms};
use super::words::VERSION;
use crate::db::schema::search_entries;
use crate::db::schema::sql_types::SearchKind as SearchKindSql;
use crate::db::{Limit, statement};
use crate::page::PageRequest;

statement! {
    /// Writes what search knows of some things, and the Latin words of it; in the words' order, so that two who write
    /// the same words wait for each other and never both.
    struct UpsertEntries<'a> {
        kinds: Vec<SearchKind>,
        ids: Vec<i64>,
        boosts: Vec<f32>,
        texts: Vec<String>,
        words: Vec<&'a str>,
        word_kinds: Vec<SearchKind>,
    } -> BigInt
    |this|
    "with spelled as (insert into search_words (word, kind) select distinct word, kind from unnest("
    [Array<Text>: &this.words] ", " [Array<SearchKindSql>: &this.word_kinds] ") new (word, kind) \
       order by word, kind on conflict do nothing) \
     insert into search_entries (kind, subject_id, version, boost, words) select kind, id, " [SmallInt: &VERSION]
    ", boost, words::tsvector from unnest(" [Array<SearchKindSql>: &this.kinds] ", " [Array<BigInt>: &this.ids] ", "
    [Array<Float>: &this.boosts] ", " [Array<Text>: &this.texts] ") new (kind, id, boost, words) \
     on conflict (kind, subject_id) do update set version = excluded.version, boost = excluded.boost, words = excluded.words"
}

/// Writes what search knows of some things.
pub async fn upsert_entries(mut conn: &AsyncPgConnection, entries: &[SearchEntry]) -> QueryResult<()> {
    let spelled = || entries.iter().flat_map(|entry| entry.document.spelled().map(|word| (word, entry.kind)));
    let statement = UpsertEntries {
        kinds: entries.iter().map(|entry| entry.kind).collect(),
        ids: entries.iter().map(|entry| entry.subject_id).collect(),
        boosts: entries.iter().map(|entry| entry.boost).collect(),
        texts: entries.iter().map(|entry| entry.document.tsvector()).collect(),
        words: spelled().map(|(word, _)| word).collect(),
        word_kinds: spelled().map(|(_, kind)| kind).collect(),
    };
    statement.execute(&mut conn).await.map(drop)
}

/// Changes what something's score is multiplied with.
pub async fn update_boost(mut conn: &AsyncPgConnection, kind: SearchKind, id: i64, boost: f32) -> QueryResult<usize> {
    let entry = search_entries::table.find((kind, id));
    diesel::update(entry).set(search_entries::boost.eq(boost)).execute(&mut conn).await
}

/// Things of a kind that are found no more.
pub async fn delete_entries(mut conn: &AsyncPgConnection, kind: SearchKind, ids: &[i64]) -> QueryResult<usize> {
    let entries =
        search_entries::table.filter(search_entries::kind.eq(kind).and(search_entries::subject_id.eq_any(ids)));
    diesel::delete(entries).execute(&mut conn).await
}

/// Some things whose words were made by older rules.
pub async fn list_stale(mut conn: &AsyncPgConnection, limit: i64) -> QueryResult<Vec<(SearchKind, i64)>> {
    search_entries::table
        .filter(search_entries::version.lt(VERSION))
        .select((search_entries::kind, search_entries::subject_id))
        .order((search_entries::version, search_entries::kind, search_entries::subject_id))
        .limit(limit)
        .load(&mut conn)
        .await
}

/// Holds what search knows of some things, if it is still by older rules.
pub async fn lock_stale(mut conn: &AsyncPgConnection, kind: SearchKind, ids: &[i64]) -> QueryResult<Vec<i64>> {
    search_entries::table
        .filter(search_entries::kind.eq(kind).and(search_entries::subject_id.eq_any(ids)))
        .filter(search_entries::version.lt(VERSION))
        .select(search_entries::subject_id)
        .order(search_entries::subject_id)
        .for_update()
        .load(&mut conn)
        .await
}

statement! {
    /// Words that have these in them, but not at their beginning, and words that are like them, or begin with them: the
    /// twenty likest of both for each.
    struct SpelledLike<'a> { words: &'a [&'a str], kinds: &'a [SearchKind] } -> (Text, Text)
    |this|
    "select typed.word, known.word from unnest(" [Array<Text>: &this.words] ") typed (word) cross join lateral \
     ((select distinct word, similarity(word, typed.word) as likeness from search_words where kind = any("
    [Array<SearchKindSql>: &this.kinds] ") and word like '_%' || typed.word || '%' order by likeness desc, word limit 20) \
     union (select distinct word, similarity(word, typed.word) as likeness from search_words where kind = any("
    [Array<SearchKindSql>: &this.kinds] ") and (word % typed.word or word like typed.word || '%') \
     order by likeness desc, word limit 20) order by likeness desc, word) known"
}

/// Words of what can be found that have these words in them, or are like them, the likest first.
pub async fn list_spelled_like(
    mut conn: &AsyncPgConnection,
    words: &[&str],
    kinds: &[SearchKind],
) -> QueryResult<Vec<(String, String)>> {
    SpelledLike { words, kinds }.load(&mut conn).await
}

statement! {
    /// Deletes words, of those that follow one, that nothing has any more; says how many were looked at and the last.
    struct DeleteUnused<'a> { after: &'a str, most: i64 } -> (BigInt, BigInt, Nullable<Text>)
    |this|
    "with looked_at as (select word, kind from search_words where word > " [Text: &this.after] " order by word fetch first "
    [BigInt: &this.most] " rows with ties), unused as (select word, kind from looked_at where case kind \
       when 'USER' then not exists (select from search_entries where search_entries.kind = 'USER' \
         and words @@ quote_literal(word)::tsquery) \
       when 'ITEM' then not exists (select from search_entries where search_entries.kind = 'ITEM' \
         and words @@ quote_literal(word)::tsquery) \
       when 'TASK' then not exists (select from search_entries where search_entries.kind = 'TASK' \
         and words @@ quote_literal(word)::tsquery) \
       when 'PRODUCT' then not exists (select from search_entries where search_entries.kind = 'PRODUCT' \
         and words @@ quote_literal(word)::tsquery) end), \
     gone as (delete from search_words using unused where search_words.word = unused.word and search_words.kind = unused.kind returning 1) \
     select count(*), (select count(*) from gone), max(word) from looked_at"
}

/// Holds the words until the transaction ends, against all writers: a transaction that writes an entry has written its words before.
/// False when another session has them, such as one that vacuums the table: all writers of search would wait behind a lock
/// that waits, so this one waits for 50 ms at most. The transaction is over then.
pub async fn lock_words(conn: &mut AsyncPgConnection) -> QueryResult<bool> {
    let lock = "set local lock_timeout = '50ms'; lock table search_words in share row exclusive mode";
    match conn.batch_execute(lock).await {
        // The lock has nothing else to be refused for.
        Err(Error::DatabaseError(DatabaseErrorKind::Unknown, _)) => Ok(false),
        held => held.map(|()| true),
    }
}

/// Deletes words, of so many that follow one, that nothing has any more; says how many, and the last one looked at, none at
/// the end. The words are held.
pub async fn delete_unused_words(
    conn: &mut AsyncPgConnection,
    after: &str,
    most: i64,
) -> QueryResult<(i64, Option<String>)> {
    let query = DeleteUnused { after, most };
    let (looked_at, deleted, last): (i64, i64, Option<String>) = query.get_result(&mut &*conn).await?;
    Ok((deleted, last.filter(|_| looked_at >= most)))
}

/// What of several kinds fits some words.
struct WordMatch<'a> {
    kinds: Vec<(SearchKind, Matching<'a>)>,
}

fn table_of(kind: SearchKind) -> &'static str {
    match kind {
        SearchKind::User => "users_found",
        SearchKind::Item => "items_found",
        SearchKind::Task => "tasks_found",
        SearchKind::Product => "products_found",
        SearchKind::Group => "groups_found",
        SearchKind::Merchant => "merchants_found",
    }
}

impl<'a> WordMatch<'a> {
    fn new(kinds: &[SearchKind], terms: &'a Terms) -> Self {
        Self { kinds: kinds.iter().map(|kind| (*kind, Matching::new(*kind, terms))).collect() }
    }

    fn unranked(self) -> Self {
        Self { kinds: self.kinds.into_iter().map(|(kind, matching)| (kind, matching.unranked())).collect() }
    }
}

impl QueryFragment<Pg> for WordMatch<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        for (n, (kind, matching)) in self.kinds.iter().enumerate() {
            out.push_sql(if n == 0 { "with " } else { ", " });
            matching.push(&mut out, table_of(*kind))?;
        }
        for (n, (kind, _)) in self.kinds.iter().enumerate() {
            out.push_sql(if n == 0 { ", found (score, kind, id) as (" } else { " union all " });
            out.push_sql("select key, '");
            out.push_sql(kind.name());
            out.push_sql("'::search_kind, id from ");
            out.push_sql(table_of(*kind));
        }
        out.push_sql(")");
        Ok(())
    }
}

struct Beyond<'a>(&'a Option<HitKey>, bool);

impl QueryFragment<Pg> for Beyond<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        if let Some((score, kind, id)) = self.0 {
            out.push_sql(if self.1 { " where (score, kind, id) > (" } else { " where (score, kind, id) < (" });
            out.push_bind_param::<BigInt, _>(score)?;
            out.push_sql(", ");
            out.push_bind_param::<SearchKindSql, _>(kind)?;
            out.push_sql(", ");
            out.push_bind_param::<BigInt, _>(id)?;
            out.push_sql(")");
        }
        out.push_sql(if self.1 { " order by score, kind, id" } else { " order by score desc, kind desc, id desc" });
        Ok(())
    }
}

statement! {
    by text
    /// A page of what was found.
    struct ListHits<'a> { found: WordMatch<'a>, beyond: Beyond<'a>, limit: Limit } -> (BigInt, SearchKindSql, BigInt)
    |this|
    {&this.found} " select score, kind, id from found" {&this.beyond} " limit " {&this.limit}
}

statement! {
    by text
    /// How much was found.
    struct CountHits<'a> { found: WordMatch<'a> } -> BigInt
    |this|
    {&this.found} " select count(*) from found"
}

/// Rows for a page of what fits some words, the best first; in the direction of the request.
pub async fn list_hits(
    mut conn: &AsyncPgConnection,
    kinds: &[SearchKind],
    terms: &Terms,
    page: &PageRequest<HitKey>,
) -> QueryResult<Vec<Hit>> {
    let beyond = Beyond(&page.cursor, page.backward);
    let query = ListHits { found: WordMatch::new(kinds, terms), beyond, limit: Limit(page.limit()) };
    let rows: Vec<(i64, SearchKind, i64)> = query.load(&mut conn).await?;
    Ok(rows.into_iter().map(|(score, kind, subject_id)| Hit { kind, subject_id, score }).collect())
}

/// How much fits some words; of each kind, what can be ranked.
pub async fn count_hits(mut conn: &AsyncPgConnection, kinds: &[SearchKind], terms: &Terms) -> QueryResult<i64> {
    CountHits { found: WordMatch::new(kinds, terms).unranked() }.get_result(&mut conn).await
}
