//! How large a document may be. Each limit is a setting, `PLAZA_LIMIT_…`.

/// The limits of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DocumentLimits {
    /// Bytes of the document.
    pub document_bytes: u32,
    /// Tokens of the document: names, values, punctuation.
    pub tokens: u32,
    /// Brackets, braces and selection sets inside each other, fragments written out.
    pub nesting: u32,
    /// Fields inside each other.
    pub depth: u32,
    /// Fields at the root of an operation.
    pub root_fields: u32,
    /// Fields, fragments written out, over all operations.
    pub fields: u32,
    /// Aliases.
    pub aliases: u32,
    /// Directives.
    pub directives: u32,
    /// Fragments defined.
    pub fragments: u32,
    /// Values that the answer may hold: fields times the sizes of the pages they stand in.
    pub cost: u32,
}

impl Default for DocumentLimits {
    fn default() -> Self {
        Self {
            document_bytes: 16 * 1024,
            tokens: 2000,
            nesting: 64,
            depth: 16,
            root_fields: 20,
            fields: 400,
            aliases: 50,
            directives: 50,
            fragments: 50,
            cost: 20_000,
        }
    }
}
