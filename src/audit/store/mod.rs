//! The rules as SQL, by area. Each gives what breaks it: what it is, and how.

mod content;
mod groups;
mod merchants;
mod money;
mod people;
mod shop;
mod talk;

use diesel::QueryResult;
use diesel::prelude::QueryableByName;
use diesel::sql_types::Text;
use diesel_async::{AsyncPgConnection, RunQueryDsl};

use super::Finding;
use crate::domains::search::words::VERSION;

/// What should hold, and a query of what breaks it; `{search_version}` in it is the version of search's words.
type Rule = (&'static str, &'static str);

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    subject: String,
    #[diesel(sql_type = Text)]
    detail: String,
}

/// All rules.
pub fn rules() -> impl Iterator<Item = &'static Rule> {
    [money::RULES, shop::RULES, content::RULES, talk::RULES, people::RULES, groups::RULES, merchants::RULES]
        .into_iter()
        .flatten()
}

/// What breaks the rules, as far as it is shown.
pub async fn find_all(conn: &mut AsyncPgConnection) -> QueryResult<Vec<Finding>> {
    // An operator waits for the answer: no statement is cut off.
    diesel::sql_query("set local statement_timeout = 0").execute(conn).await?;
    let mut findings = Vec::new();
    for (rule, sql) in rules() {
        let sql = sql.replace("{search_version}", &VERSION.to_string());
        let rows: Vec<Row> = diesel::sql_query(format!("select * from ({sql}) broken limit 20")).load(conn).await?;
        findings.extend(rows.into_iter().map(|Row { subject, detail }| Finding { rule, subject, detail }));
    }
    Ok(findings)
}
