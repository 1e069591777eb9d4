//! Line and column of offsets in a document.

use apollo_compiler::parser::SourceSpan;
use async_graphql::Pos;

/// Line starts of a text.
#[derive(Debug)]
pub struct Positions<'a> {
    text: &'a str,
    /// Offset of each line's first byte.
    lines: Vec<usize>,
}

impl<'a> Positions<'a> {
    /// Indexes the lines, which end with `\n`, `\r\n` or `\r` as in GraphQL.
    #[must_use]
    pub fn of(text: &'a str) -> Self {
        let bytes = text.as_bytes();
        let ends = bytes.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => bytes.get(at + 1) != Some(&b'\n'),
            _ => false,
        });
        Self { text, lines: std::iter::once(0).chain(ends.map(|(at, _)| at + 1)).collect() }
    }

    /// Line and column, 1-based; columns count characters.
    #[must_use]
    pub fn at(&self, offset: usize) -> Pos {
        let line = self.lines.partition_point(|start| *start <= offset);
        let start = line.checked_sub(1).and_then(|line| self.lines.get(line)).copied().unwrap_or_default();
        let column = self.text.get(start..offset).map_or(0, |before| before.chars().count());
        Pos { line, column: column + 1 }
    }

    /// Start of a span; of the document if there is none.
    #[must_use]
    pub fn of_span(&self, span: Option<SourceSpan>) -> Pos {
        self.at(span.map_or(0, |span| span.offset()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_end_of_graphql_counts_once() {
        let text = "a\nb\r\nc\rd 字e";
        let positions = Positions::of(text);
        for (piece, line, column) in [("a", 1, 1), ("b", 2, 1), ("c", 3, 1), ("d", 4, 1), ("字", 4, 3), ("e", 4, 4)] {
            assert_eq!(positions.at(text.find(piece).unwrap()), Pos { line, column }, "{piece}");
        }
        assert_eq!(positions.at(usize::MAX), Pos { line: 4, column: 1 });
    }
}
