//! The terms of a search, as a condition of SQL.
//!
//! Three questions are made of a query. *All*: every word of it, or for a mistyped one those that it may stand for.
//! *Phrase*: all of it, as written. *Any*: a word or a part of one; what fits all of it is few then, or none. What fits
//! is scored by how much of *any* it has, and where, and more so when it has the *phrase*.

use std::collections::{BTreeMap, BTreeSet};

use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment};

use super::model::SearchKind;
use super::words::{self, Run, pairs, quote};
use crate::db::push_text_literal;

/// The most rows of a kind that are ranked.
const MOST_RANKED: &str = "1000";

/// Fewer than so many that have all of it, and those that have any of it are looked at as well.
const FEW: &str = "1";

/// Words of a query that are looked at.
const MOST_WORDS: usize = 16;

/// How Latin words of a query are spelled by those who are found.
pub type Spellings = BTreeMap<String, Vec<String>>;

/// The terms of a search.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    all: String,
    phrase: String,
    any: String,
}

impl Terms {
    /// That there is all of it, as PostgreSQL has it.
    #[must_use]
    pub fn all(&self) -> &str {
        &self.all
    }

    /// Writes that a column of words has all of it.
    pub fn push_fits(&self, out: &mut AstPass<'_, '_, Pg>, column: &'static str) {
        out.push_sql(column);
        out.push_sql(" @@ ");
        push_text_literal(out, &self.all);
        out.push_sql("::tsquery");
    }
}

/// What a filter asks to look for: nothing where it is blank.
#[must_use]
pub fn asked(query: Option<String>) -> Option<String> {
    query.map(|query| query.trim().to_owned()).filter(|query| !query.is_empty())
}

/// A query that was cut into words.
pub struct ParsedQuery(Vec<Run>);

impl ParsedQuery {
    /// Cuts a query into terms.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        Self(words::runs(&words::fold(text)))
    }

    /// The Latin words that could be mistyped, or be a part of a word.
    #[must_use]
    pub fn spelled(&self) -> BTreeSet<&str> {
        let parts = self.0.iter().flat_map(|run| match run {
            Run::Latin(parts) => parts.as_slice(),
            Run::Chinese(_) => &[],
        });
        parts.map(String::as_str).filter(|part| words::is_spelled(part)).take(MOST_WORDS).collect()
    }

    /// What to ask for, given how its Latin words are spelled; none when nothing can be looked for.
    #[must_use]
    pub fn terms(&self, spellings: &Spellings) -> Option<Terms> {
        let (mut all, mut phrase, mut any) = (Vec::new(), Vec::new(), BTreeSet::new());
        for run in &self.0 {
            match run {
                Run::Chinese(run) => {
                    add_chinese(run, &mut all, &mut any);
                    phrase.push(contains(run));
                }
                Run::Latin(parts) => {
                    let clause = latin(parts, spellings, &mut any);
                    phrase.push(clause.clone());
                    all.push(clause);
                }
            }
        }
        all.truncate(MOST_WORDS);
        phrase.truncate(MOST_WORDS);
        let any: Vec<String> = any.into_iter().take(4 * MOST_WORDS).collect();
        (!all.is_empty()).then(|| Terms { all: all.join(" & "), phrase: phrase.join(" & "), any: any.join(" | ") })
    }
}

/// That a run of Chinese stands somewhere: its character, or each of its pairs.
fn contains(run: &str) -> String {
    let mut pairs: Vec<String> = pairs(run).iter().map(|pair| quote(pair)).collect();
    pairs.truncate(MOST_WORDS);
    if pairs.is_empty() { quote(run) } else { format!("({})", pairs.join(" & ")) }
}

fn add_chinese(run: &str, all: &mut Vec<String>, any: &mut BTreeSet<String>) {
    for word in words::cut(run) {
        all.push(contains(word));
        any.insert(quote(word));
    }
    any.extend(pairs(run).iter().map(|pair| quote(pair)));
}

/// A Latin word or number, or what is written together of them: as one, or all its parts.
fn latin(parts: &[String], spellings: &Spellings, any: &mut BTreeSet<String>) -> String {
    let clauses: Vec<String> = parts.iter().map(|part| spelled(part, spellings)).collect();
    any.extend(clauses.iter().cloned());
    if clauses.len() == 1 {
        return clauses.concat();
    }
    let whole = quote(&parts.concat());
    any.insert(whole.clone());
    format!("({whole} | ({}))", clauses.join(" & "))
}

/// A Latin word as those who are found spell it. What begins with it fits too; of a number, only itself.
fn spelled(part: &str, spellings: &Spellings) -> String {
    let itself = quote(part);
    let short = part.chars().count() < 2 || part.chars().all(char::is_numeric);
    let beginning = if short { itself } else { format!("{itself}:*") };
    match spellings.get(part).filter(|known| !known.is_empty()) {
        None => beginning,
        Some(known) => {
            let known: Vec<String> = known.iter().map(|word| quote(word)).collect();
            format!("({beginning} | {})", known.join(" | "))
        }
    }
}

/// A condition over tables that are joined.
pub type Condition<'a> = dyn QueryFragment<Pg> + Sync + 'a;

/// Finding one kind of thing by its words, as a `with` that makes a table of their ids and keys.
pub struct Matching<'a> {
    kind: SearchKind,
    terms: &'a Terms,
    /// What they are ordered by, as an expression; how well they fit where there is none.
    number: Option<&'static str>,
    /// Tables that the number alone needs, joined to what is kept.
    number_join: &'static str,
    /// Tables that the number or the condition needs, joined, and the condition.
    more: Option<(&'static str, &'a Condition<'a>)>,
}

impl<'a> Matching<'a> {
    /// Finding things of this kind, the best fitting first.
    #[must_use]
    pub fn new(kind: SearchKind, terms: &'a Terms) -> Self {
        Self { kind, terms, number: None, number_join: "", more: None }
    }

    /// Ordered by a number of each, as an expression over the tables of [`Self::only`].
    #[must_use]
    pub fn by(self, number: &'static str) -> Self {
        Self { number: Some(number), ..self }
    }

    /// Ordered by a number of each, as an expression over the tables that `join` adds to those that are kept.
    #[must_use]
    pub fn by_joined(self, number: &'static str, join: &'static str) -> Self {
        Self { number: Some(number), number_join: join, ..self }
    }

    /// Only to be counted: none of them is ranked.
    #[must_use]
    pub fn unranked(self) -> Self {
        self.by("0::bigint")
    }

    /// Only what fits a condition over the tables that `join` adds.
    #[must_use]
    pub fn only(self, join: &'static str, condition: &'a Condition<'a>) -> Self {
        Self { more: Some((join, condition)), ..self }
    }

    /// How well an entry fits, in millionths.
    fn push_score(&self, out: &mut AstPass<'_, '_, Pg>) {
        out.push_sql(
            "round(1000000 * search_entries.boost * (0.75 * ts_rank('{0.02, 0.15, 0.4, 1}', search_entries.words, ",
        );
        push_text_literal(out, &self.terms.any);
        out.push_sql("::tsquery, 1) / 0.61 + case when search_entries.words @@ ");
        push_text_literal(out, &self.terms.phrase);
        out.push_sql("::tsquery then 0.25 else 0 end))::bigint");
    }

    /// The newest that fit a question, then their keys: only what is kept is ranked. How rows are found soonest depends on how many
    /// have the words: these are literals, so that PostgreSQL plans each time with those at hand.
    fn push_part<'b>(
        &'b self,
        out: &mut AstPass<'_, 'b, Pg>,
        question: &str,
        further: impl FnOnce(&mut AstPass<'_, 'b, Pg>) -> QueryResult<()>,
    ) -> QueryResult<()> {
        out.push_sql("select subject_id, ");
        match self.number {
            None => {
                self.push_score(out);
                out.push_sql(" from (select search_entries.subject_id, search_entries.boost, search_entries.words");
            }
            Some(number) if self.number_join.is_empty() => {
                out.push_sql("number from (select search_entries.subject_id, ");
                out.push_sql(number);
                out.push_sql(" as number");
            }
            Some(number) => {
                out.push_sql(number);
                out.push_sql(" from (select search_entries.subject_id");
            }
        }
        out.push_sql(" from search_entries");
        out.push_sql(self.more.map_or("", |(join, _)| join));
        out.push_sql(" where search_entries.kind = '");
        out.push_sql(self.kind.name());
        out.push_sql("' and search_entries.words @@ ");
        push_text_literal(out, question);
        out.push_sql("::tsquery");
        if let Some((_, condition)) = self.more {
            out.push_sql(" and ");
            condition.walk_ast(out.reborrow())?;
        }
        further(out)?;
        out.push_sql(" order by search_entries.subject_id desc limit ");
        out.push_sql(MOST_RANKED);
        out.push_sql(") search_entries");
        out.push_sql(self.number_join);
        Ok(())
    }

    /// Writes it: what fits all of the query, and what fits any of it where that is few.
    pub fn push<'b>(&'b self, out: &mut AstPass<'_, 'b, Pg>, name: &'static str) -> QueryResult<()> {
        out.push_sql(name);
        out.push_sql("_all (id, key) as materialized (");
        self.push_part(out, &self.terms.all, |_| Ok(()))?;
        out.push_sql("), ");
        out.push_sql(name);
        out.push_sql("_any (id, key) as materialized (");
        self.push_part(out, &self.terms.any, |out| {
            out.push_sql(" and not search_entries.words @@ ");
            push_text_literal(out, &self.terms.all);
            out.push_sql("::tsquery and (select count(*) from ");
            out.push_sql(name);
            out.push_sql("_all) < ");
            out.push_sql(FEW);
            Ok(())
        })?;
        out.push_sql("), ");
        out.push_sql(name);
        out.push_sql(" (id, key) as (select * from ");
        out.push_sql(name);
        out.push_sql("_all union all select * from ");
        out.push_sql(name);
        out.push_sql("_any)");
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn terms(text: &str) -> Terms {
        ParsedQuery::parse(text).terms(&Spellings::new()).unwrap()
    }

    #[test]
    fn a_query_is_cut_as_texts_are() {
        assert_eq!(terms("宝").all, "'宝'");
        assert_eq!(terms("电宝").all, "('电宝')");
        assert_eq!(terms("JD-2019").all, "('jd2019' | ('jd':* & '2019'))");
        assert_eq!(terms("ｉＰｈｏｎｅ").all, "'iphone':*");
        assert_eq!(terms("小米充电宝").phrase, "('小米' & '米充' & '充电' & '电宝')");
        assert!(ParsedQuery::parse(" -- !").terms(&Spellings::new()).is_none());
    }

    #[test]
    fn mistyped_words_stand_for_others() {
        let query = ParsedQuery::parse("iphnoe 手机");
        assert_eq!(query.spelled().into_iter().collect::<Vec<_>>(), ["iphnoe"]);
        let spellings = Spellings::from([("iphnoe".into(), vec!["iphone".into()])]);
        assert_eq!(query.terms(&spellings).unwrap().all, "('iphnoe':* | 'iphone') & ('手机')");
    }

    #[test]
    fn long_queries_are_cut_short() {
        let terms = terms(&"多字的查询".repeat(20));
        assert!(terms.all.len() < 2000 && terms.any.len() < 2000);
    }
}
