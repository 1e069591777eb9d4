//! What a statement read, as PostgreSQL's `auto_explain` tells it.

use serde_json::Value;

/// Rows that a statement may read for each row of its answer.
const READ_PER_ROW: u64 = 20;

/// Rows that any statement may read: for the small answers of a join, or of a list of states.
const READ_ALWAYS: u64 = 200;

/// Pages that a statement may touch for each row that it may read: what an index takes to skip is in no count of rows.
const PAGES_PER_READ: u64 = 4;

/// One execution of a statement.
#[derive(Debug)]
pub struct Execution {
    /// Its SQL, in one line.
    pub statement: String,
    /// Rows of its answer; of a count, what was counted.
    pub answered: u64,
    /// Rows and index entries that scans read, whether they fitted or not.
    pub read: u64,
    /// Pages touched.
    pub pages: u64,
}

impl Execution {
    fn of(explained: &Value) -> Self {
        let plan = &explained["Plan"];
        let text = explained["Query Text"].as_str().expect("a plan has its statement");
        Self {
            statement: text.split_whitespace().collect::<Vec<_>>().join(" "),
            answered: answered(plan),
            read: if is_of_catalog(plan) { 0 } else { read(plan) },
            pages: number(plan, "Shared Hit Blocks") + number(plan, "Shared Read Blocks"),
        }
    }

    /// Whether it read more than its answer allows, and as many rows as it has a reason for.
    pub fn reads_too_much(&self, with_reason: u64) -> bool {
        let allowed = READ_PER_ROW * self.answered + READ_ALWAYS + with_reason;
        self.read > allowed || self.pages > PAGES_PER_READ * allowed
    }
}

/// The executions that a stretch of the log tells of in JSON.
pub fn executions(log: &str) -> Vec<Execution> {
    let mut lines = log.lines().peekable();
    let mut found = Vec::new();
    while let Some(line) = lines.next() {
        if !line.ends_with(" plan:") {
            continue;
        }
        let mut text = String::new();
        while let Some(line) = lines.next_if(|line| line.starts_with('\t')) {
            text.push_str(line);
        }
        // Plans of other tests are no JSON.
        if let Ok(explained) = serde_json::from_str(&text) {
            found.push(Execution::of(&explained));
        }
    }
    found
}

fn number(node: &Value, key: &str) -> u64 {
    node[key].as_u64().unwrap_or(0)
}

fn children(node: &Value) -> impl Iterator<Item = &Value> {
    node["Plans"].as_array().into_iter().flatten()
}

fn is_of_catalog(node: &Value) -> bool {
    node["Relation Name"].as_str().is_some_and(|name| name.starts_with("pg_")) || children(node).any(is_of_catalog)
}

fn answered(plan: &Value) -> u64 {
    let counts = plan["Node Type"] == "Aggregate" && plan["Strategy"] == "Plain";
    let writes = plan["Node Type"] == "ModifyTable" && number(plan, "Actual Rows") == 0;
    match children(plan).find(|child| child["Parent Relationship"] == "Outer") {
        Some(input) if counts || writes => number(input, "Actual Rows") * number(input, "Actual Loops"),
        _ => number(plan, "Actual Rows"),
    }
}

fn read(node: &Value) -> u64 {
    let kind = node["Node Type"].as_str().expect("a node has a type");
    let removed = number(node, "Rows Removed by Filter") + number(node, "Rows Removed by Index Recheck");
    let is_scan = kind.ends_with("Scan") && node.get("Relation Name").is_some() || kind == "Bitmap Index Scan";
    // A look that finds nothing is one all the same; the numbers are those of one loop.
    let rows = match kind {
        _ if is_scan => (number(node, "Actual Rows") + removed).max(1),
        "Materialize" => number(node, "Actual Rows"),
        _ => removed,
    };
    rows * number(node, "Actual Loops") + children(node).map(read).sum::<u64>()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a message was sent once: the plan for all values reads all conversations of the sender up to the one in question.
    const APPEND_MESSAGE: &str = include_str!("append_message.json");

    fn logged(plan: &str) -> Vec<Execution> {
        let plan = plan.trim_end().replace('\n', "\n\t");
        executions(&format!(
            "a line before\n12:00 LOG:  duration: 0.1 ms  plan:\n\t{plan}\n12:00 LOG:  a line behind\n"
        ))
    }

    #[test]
    fn a_plan_that_reads_all_memberships_of_a_user_reads_too_much() {
        let [execution] = &logged(APPEND_MESSAGE)[..] else { panic!("one execution") };
        assert_eq!((execution.answered, execution.read), (1, 15_000 + 2));
        assert!(execution.reads_too_much(0));
        assert!(!execution.reads_too_much(15_000));
    }

    #[test]
    fn what_was_counted_is_the_answer_of_a_count() {
        let plan = r#"{ "Query Text": "select count(*)\n from t", "Plan": { "Node Type": "Aggregate", "Strategy": "Plain",
            "Actual Rows": 1, "Actual Loops": 1, "Plans": [{ "Node Type": "Index Only Scan", "Parent Relationship": "Outer",
            "Relation Name": "t", "Actual Rows": 30, "Actual Loops": 2, "Rows Removed by Filter": 5 }] } }"#;
        let [execution] = &logged(plan)[..] else { panic!("one execution") };
        assert_eq!((execution.answered, execution.read, &*execution.statement), (60, 70, "select count(*) from t"));
    }

    #[test]
    fn looks_that_find_nothing_are_counted_and_so_are_pages() {
        let plan = r#"{ "Query Text": "select", "Plan": { "Node Type": "Index Scan", "Relation Name": "t", "Actual Rows": 0,
            "Actual Loops": 150, "Shared Hit Blocks": 900 } }"#;
        let [execution] = &logged(plan)[..] else { panic!("one execution") };
        assert_eq!((execution.answered, execution.read, execution.pages), (0, 150, 900));
        assert!(execution.reads_too_much(0));
        assert!(!execution.reads_too_much(50));
    }

    #[test]
    fn plans_in_words_are_left_to_others() {
        assert!(logged("Query Text: select 1\nResult  (cost=0.00..0.01 rows=1 width=4)").is_empty());
    }
}
