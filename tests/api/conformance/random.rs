//! Documents made up at random, each beside another that says the same: fields repeated and taken apart, put into
//! fragments, under conditions. Both must have the same answer, to the byte, and the same effects.

use std::sync::atomic::Ordering;

use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use serde_json::{Value, json};

use super::{app, by_socket, by_stream};
use crate::harness::{Socket, is_full};

/// Documents of each kind of operation, in the short form and in the long one.
const DOCUMENTS: u64 = 40;
const MANY_DOCUMENTS: u64 = 400;

/// A selected field.
#[derive(Clone)]
struct Node {
    /// Alias, name and arguments.
    head: &'static str,
    /// The type that has the field, when it isn't the selection's own.
    on: Option<&'static str>,
    /// The field's type and what is selected of it, unless it is a leaf.
    inner: Option<(&'static str, Vec<Node>)>,
}

/// What can be selected of a type: the field, the type it needs, its own type.
type Choice = (&'static str, Option<&'static str>, Option<&'static str>);

fn choices(parent: &str) -> &'static [Choice] {
    match parent {
        "Query" => &[
            ("cat", None, Some("Cat")),
            ("again: cat", None, Some("Cat")),
            ("pets", None, Some("Pet")),
            ("found", None, Some("Found")),
            ("told(number: 3)", None, None),
            ("other: told", None, None),
        ],
        "Mutation" => &[
            ("add", None, Some("Counter")),
            ("two: add(by: 2)", None, Some("Counter")),
            ("three: add(by: 3)", None, Some("Counter")),
        ],
        "Subscription" => &[("counted(to: 2)", None, Some("Counter"))],
        "Cat" => &[("id", None, None), ("lives", None, None), ("label: name", None, None), ("__typename", None, None)],
        "Pet" => &[
            ("id", None, None),
            ("label: name", None, None),
            ("lives", Some("Cat"), None),
            ("tricks", Some("Dog"), None),
        ],
        "Found" => &[
            ("__typename", None, None),
            ("total", Some("Counter"), None),
            ("lives", Some("Cat"), None),
            ("label: name", Some("Pet"), None),
        ],
        _ => &[("total", None, None), ("sum: total", None, None), ("__typename", None, None)],
    }
}

struct Author {
    random: StdRng,
    fragments: Vec<String>,
}

impl Author {
    fn one_in(&mut self, n: u32) -> bool {
        self.random.random_ratio(1, n)
    }

    fn selection(&mut self, parent: &str) -> Vec<Node> {
        let mut chosen = choices(parent).to_vec();
        chosen.shuffle(&mut self.random);
        chosen.truncate(self.random.random_range(1..=chosen.len()));
        let nodes = chosen.into_iter().map(|(head, on, returns)| {
            let inner = returns.map(|returns| (returns, self.selection(returns)));
            Node { head, on, inner }
        });
        nodes.collect()
    }

    /// A condition that holds, or does not.
    fn condition(&mut self, holds: bool) -> &'static str {
        let (held, not) = (
            ["@include(if: $yes)", "@skip(if: $no)", "@include(if: true) @skip(if: false)"],
            ["@include(if: $no)", "@skip(if: $yes)", "@include(if: true) @skip(if: true)"],
        );
        let all = if holds { held } else { not };
        all[self.random.random_range(0..all.len())]
    }

    /// A fragment on a type, inline or with a name.
    fn fragment(&mut self, on: &str, body: &str) -> String {
        let condition = if on != "Subscription" && self.one_in(3) { self.condition(true) } else { Default::default() };
        match self.random.random_range(0..3) {
            0 => format!("... on {on} {condition} {{ {body} }}"),
            1 => {
                let name = format!("F{}", self.fragments.len());
                self.fragments.push(format!("fragment {name} on {on} {{ {body} }}"));
                format!("...{name} {condition}")
            }
            _ => format!("... on {on} {{ ... {condition} {{ {body} }} }}"),
        }
    }

    fn field(&mut self, parent: &str, node: &Node, inner: &[Node]) -> String {
        let condition =
            if parent != "Subscription" && self.one_in(4) { self.condition(true) } else { Default::default() };
        let body = match &node.inner {
            Some((returns, _)) => format!("{{ {} }}", self.written(returns, inner)),
            None => String::new(),
        };
        let field = format!("{} {condition} {body}", node.head);
        match node.on {
            Some(on) => self.fragment(on, &field),
            None => field,
        }
    }

    /// A selection in other words.
    fn written(&mut self, parent: &str, nodes: &[Node]) -> String {
        let (mut pieces, mut later) = (Vec::new(), Vec::new());
        for node in nodes {
            let all = node.inner.as_ref().map_or(&[][..], |(_, inner)| inner.as_slice());
            if all.len() > 1 && self.one_in(2) {
                // The first part here, all of it later: keys keep their order.
                let first = self.random.random_range(1..all.len());
                pieces.push(self.field(parent, node, &all[..first]));
                later.push(self.field(parent, node, all));
            } else {
                pieces.push(self.field(parent, node, all));
            }
            if self.one_in(3) {
                let first = if all.is_empty() { 0 } else { self.random.random_range(1..=all.len()) };
                later.push(self.field(parent, node, &all[..first]));
            }
            while !later.is_empty() && self.one_in(2) {
                let next = self.random.random_range(0..later.len());
                pieces.push(later.swap_remove(next));
            }
        }
        pieces.append(&mut later);
        if parent != "Subscription" {
            let place = self.random.random_range(0..=pieces.len());
            // Both variables are used in every document.
            pieces.insert(place, "... @include(if: $no) @skip(if: $yes) { gone: __typename }".to_owned());
            if self.one_in(3) {
                let condition = self.condition(false);
                pieces.insert(place, format!("gone: __typename {condition}"));
            }
        }
        while self.one_in(2) {
            let start = self.random.random_range(0..pieces.len());
            let end = self.random.random_range(start..pieces.len()) + 1;
            let body = pieces.drain(start..end).collect::<Vec<_>>().join(" ");
            let wrapped = self.fragment(parent, &body);
            pieces.insert(start, wrapped);
        }
        pieces.join(" ")
    }
}

/// A selection as plainly as it can be said.
fn plain(nodes: &[Node]) -> String {
    let fields = nodes.iter().map(|node| {
        let body = node.inner.as_ref().map(|(_, inner)| format!("{{ {} }}", plain(inner))).unwrap_or_default();
        let field = format!("{} {body}", node.head);
        node.on.map_or_else(|| field.clone(), |on| format!("... on {on} {{ {field} }}"))
    });
    fields.collect::<Vec<_>>().join(" ")
}

/// Two documents that say the same, and the variables of the second.
fn pair(kind: &str, root: &'static str, seed: u64) -> (String, String, Value) {
    let mut author = Author { random: StdRng::seed_from_u64(seed), fragments: Vec::new() };
    let nodes = author.selection(root);
    let written = author.written(root, &nodes);
    let (defaults, given) = match author.random.random_range(0..3) {
        0 => ("$yes: Boolean = true, $no: Boolean! = false", json!({})),
        1 => ("$yes: Boolean! = false, $no: Boolean = true", json!({ "yes": true, "no": false })),
        _ => ("$yes: Boolean!, $no: Boolean!", json!({ "yes": true, "no": false })),
    };
    let written = format!("{kind} Q({defaults}) {{ {written} }} {}", author.fragments.join(" "));
    (format!("{kind} {{ {} }}", plain(&nodes)), written, given)
}

#[tokio::test(flavor = "multi_thread")]
async fn documents_that_say_the_same_answer_the_same() {
    let documents = if is_full() { MANY_DOCUMENTS } else { DOCUMENTS };
    let (app, effects) = app().await;
    let mut socket = Socket::open(app.address, Value::Null).await;
    for (kind, root) in [("query", "Query"), ("mutation", "Mutation")] {
        for seed in 0..documents {
            let (plain, written, variables) = pair(kind, root, seed);
            effects.store(0, Ordering::SeqCst);
            let expected = app.run(&plain, json!({})).await.body;
            assert!(expected.get("errors").is_none(), "{plain}: {expected}");
            let effect = effects.swap(0, Ordering::SeqCst);
            let answer = app.run(&written, variables.clone()).await.body;
            assert_eq!(answer.to_string(), expected.to_string(), "{plain}\n{written}");
            assert_eq!(effects.swap(0, Ordering::SeqCst), effect, "{written}");
            let results = by_socket(&mut socket, &written, &variables).await;
            assert_eq!(Value::from(results).to_string(), json!([expected]).to_string(), "{plain}\n{written}");
            assert_eq!(effects.swap(0, Ordering::SeqCst), effect, "{written}");
            let results = by_stream(&app, &written, &variables).await;
            assert_eq!(Value::from(results).to_string(), json!([expected]).to_string(), "{plain}\n{written}");
            assert_eq!(effects.load(Ordering::SeqCst), effect, "{written}");
        }
    }
    for seed in 0..documents {
        let (plain, written, variables) = pair("subscription", "Subscription", seed);
        let expected = by_stream(&app, &plain, &json!({})).await;
        assert_eq!(expected.len(), 2, "{plain}");
        assert_eq!(by_stream(&app, &written, &variables).await, expected, "{plain}\n{written}");
        let results = by_socket(&mut socket, &written, &variables).await;
        assert_eq!(Value::from(results).to_string(), Value::from(expected).to_string(), "{plain}\n{written}");
    }
}
