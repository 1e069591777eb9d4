//! Macros around diesel: PostgreSQL enums, and SQL statements that are prepared once and cached (diesel's `sql_query` is
//! not).

use chrono::{DateTime, Datelike, Utc};
use diesel::QueryResult;
use diesel::pg::{Pg, PgQueryBuilder};
use diesel::query_builder::{AstPass, QueryBuilder, QueryFragment};
use diesel::result::Error;
use diesel::sql_types::BigInt;

/// Declares a Rust enum that is a PostgreSQL enum, with the labels as PostgreSQL has them.
///
/// A newer instance may have written a label that this binary doesn't know. Where one such row must not fail a whole
/// statement, `unknown:` says what it is read as: `unknown: Variant` for one of the variants, or `unknown: new Variant` for
/// one of its own, which can't be written. Elsewhere it is an error.
macro_rules! pg_enum {
    ($(#[$meta:meta])* $vis:vis enum $name:ident : $sql:ty { $($variants:tt)+ }) => {
        $crate::db::pg_enum!(@declare [$(#[$meta])* $vis] $name : $sql { $($variants)+ } []
            |other| Err(format!(concat!("unknown ", stringify!($name), " {}"), other).into()));
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident : $sql:ty { $($variants:tt)+ }
        unknown: $(#[$umeta:meta])* new $unknown:ident) => {
        $crate::db::pg_enum!(@declare [$(#[$meta])* $vis] $name : $sql { $($variants)+ } [$(#[$umeta])* $unknown]
            |_other| Ok(Self::$unknown));
    };
    ($(#[$meta:meta])* $vis:vis enum $name:ident : $sql:ty { $($variants:tt)+ } unknown: $unknown:ident) => {
        $crate::db::pg_enum!(@declare [$(#[$meta])* $vis] $name : $sql { $($variants)+ } []
            |_other| Ok(Self::$unknown));
    };
    (@declare [$(#[$meta:meta])* $vis:vis] $name:ident : $sql:ty {
        $($(#[$vmeta:meta])* $variant:ident = $label:literal),+ $(,)?
    } [$($(#[$umeta:meta])* $unknown:ident)?] |$other:ident| $read:expr) => {
        $(#[$meta])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, diesel::expression::AsExpression, diesel::deserialize::FromSqlRow)]
        #[diesel(sql_type = $sql)]
        $vis enum $name { $($(#[$vmeta])* $variant,)+ $($(#[$umeta])* $unknown)? }

        impl $name {
            /// All known variants, as declared.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            /// Label in PostgreSQL and in the API.
            #[must_use]
            pub fn name(self) -> &'static str {
                match self {
                    $(Self::$variant => $label,)+
                    $(Self::$unknown => stringify!($unknown),)?
                }
            }
        }

        impl diesel::serialize::ToSql<$sql, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                $(if *self == Self::$unknown {
                    return Err(concat!("an unknown ", stringify!($name), " can't be written").into());
                })?
                std::io::Write::write_all(out, self.name().as_bytes())?;
                Ok(diesel::serialize::IsNull::No)
            }
        }

        impl diesel::deserialize::FromSql<$sql, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                match std::str::from_utf8(bytes.as_bytes())? {
                    $($label => Ok(Self::$variant),)+
                    $other => $read,
                }
            }
        }
    };
}

/// Declares an SQL statement as a struct of its parameters, prepared once per connection.
///
/// The SQL is a sequence of literals, of `[Type: &value]` for a bound value and of `{&fragment}` for a fragment of
/// diesel's, such as [`columns`].
macro_rules! statement {
    // `by text`: parameters change the SQL itself, as a [`Limit`] does, so that it is cached by its text.
    (by text $($rest:tt)+) => { $crate::db::statement!(@define false $($rest)+); };
    (
        @define $one_text:literal
        $(#[$meta:meta])*
        $vis:vis struct $name:ident $(<$life:lifetime>)? { $($field:ident : $type:ty),* $(,)? } -> $sql_type:ty
        |$this:ident| $($parts:tt)+
    ) => {
        $(#[$meta])*
        $vis struct $name $(<$life>)? { $(#[doc = "A parameter."] pub $field: $type),* }

        impl $(<$life>)? diesel::query_builder::QueryFragment<diesel::pg::Pg> for $name $(<$life>)? {
            fn walk_ast<'b>(
                &'b self,
                mut out: diesel::query_builder::AstPass<'_, 'b, diesel::pg::Pg>,
            ) -> diesel::QueryResult<()> {
                let $this = self;
                let _ = $this;
                $crate::db::statement!(@part out, $($parts)+);
                Ok(())
            }
        }

        const _: () = {
            /// Query id, independent of parameters.
            pub struct StatementId;
            impl $(<$life>)? diesel::query_builder::QueryId for $name $(<$life>)? {
                type QueryId = StatementId;
                const HAS_STATIC_QUERY_ID: bool = $one_text;
            }
        };

        impl $(<$life>)? diesel::query_builder::Query for $name $(<$life>)? {
            type SqlType = $sql_type;
        }

        impl<$($life,)? C> diesel::RunQueryDsl<C> for $name $(<$life>)? {}
    };
    (@part $out:ident, ) => {};
    (@part $out:ident, $sql:literal $($rest:tt)*) => {
        $out.push_sql($sql);
        $crate::db::statement!(@part $out, $($rest)*);
    };
    (@part $out:ident, [$type:ty : $value:expr] $($rest:tt)*) => {
        $out.push_bind_param::<$type, _>($value)?;
        $crate::db::statement!(@part $out, $($rest)*);
    };
    (@part $out:ident, {$fragment:expr} $($rest:tt)*) => {
        diesel::query_builder::QueryFragment::<diesel::pg::Pg>::walk_ast($fragment, $out.reborrow())?;
        $crate::db::statement!(@part $out, $($rest)*);
    };
    ($($rest:tt)+) => { $crate::db::statement!(@define true $($rest)+); };
}

/// `limit` of a page for `statement!`, which may read some rows more than asked for: a literal of few sizes, as PostgreSQL
/// plans a parameterised limit anew each time, and keeps a plan for each text.
#[derive(Clone, Copy, Debug)]
pub struct Limit(pub i64);

impl QueryFragment<Pg> for Limit {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        // Page sizes plus one, and the length of a list that ends.
        match self.0 {
            ..=2 => out.push_sql("2"),
            3..=6 => out.push_sql("6"),
            7..=11 => out.push_sql("11"),
            12..=21 => out.push_sql("21"),
            22..=51 => out.push_sql("51"),
            52..=101 => out.push_sql("101"),
            102..=500 => out.push_sql("500"),
            _ => out.push_bind_param::<BigInt, _>(&self.0)?,
        }
        Ok(())
    }
}

/// Writes a number into a statement as a literal. See [`push_text_literal`].
pub fn push_number_literal(out: &mut AstPass<'_, '_, Pg>, number: i64) {
    out.unsafe_to_cache_prepared();
    out.push_sql(&number.to_string());
}

/// Writes an instant into a statement as a literal. See [`push_text_literal`].
pub fn push_instant_literal(out: &mut AstPass<'_, '_, Pg>, at: DateTime<Utc>) {
    out.unsafe_to_cache_prepared();
    out.push_sql(&instant_literal(at));
}

/// Writes a text into a statement as a literal.
///
/// For values that the plan depends on, such as the words of a search: with a parameter, PostgreSQL may use a plan that was made
/// without the value, and with `plan_cache_mode = force_generic_plan` it does. The statement isn't cached.
pub fn push_text_literal(out: &mut AstPass<'_, '_, Pg>, text: &str) {
    out.unsafe_to_cache_prepared();
    out.push_sql(&text_literal(text));
}

/// A text as a literal, for either value of `standard_conforming_strings`.
#[must_use]
pub fn text_literal(text: &str) -> String {
    let mut literal = String::with_capacity(text.len() + 3);
    literal.push_str("E'");
    for character in text.chars() {
        match character {
            // Ends the statement in the protocol, and is in no text of PostgreSQL's.
            '\0' => continue,
            '\'' | '\\' => literal.push(character),
            _ => {}
        }
        literal.push(character);
    }
    literal.push('\'');
    literal
}

/// An instant as a literal; PostgreSQL calls the year 0 the year 1 BC.
fn instant_literal(at: DateTime<Utc>) -> String {
    let (year, era) = if at.year() > 0 { (at.year(), "") } else { (1 - at.year(), " BC") };
    format!("'{year:04}{}{era}'::timestamptz", at.format("-%m-%d %H:%M:%S%.6f+00"))
}

/// Scan direction, for `statement!`.
pub enum Direction {
    /// `asc`.
    Ascending,
    /// `desc`.
    Descending,
}

impl QueryFragment<Pg> for Direction {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(match self {
            Self::Ascending => "asc",
            Self::Descending => "desc",
        });
        Ok(())
    }
}

/// Columns as SQL, written once: a statement's SQL is put together each time that it runs.
pub struct Columns(Option<String>);

impl Columns {
    /// The SQL of a selection without parameters.
    #[must_use]
    pub fn of(selection: &impl QueryFragment<Pg>) -> Self {
        let mut sql = PgQueryBuilder::default();
        Self(selection.to_sql(&mut sql, &Pg).ok().map(|()| sql.finish()))
    }
}

impl QueryFragment<Pg> for Columns {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        let sql = self.0.as_deref();
        out.push_sql(sql.ok_or_else(|| Error::QueryBuilderError("columns that can't be written".into()))?);
        Ok(())
    }
}

/// The columns of a `Selectable`, each with its table's name, as a fragment for `statement!`.
macro_rules! columns {
    ($(#[$meta:meta])* $vis:vis static $name:ident : $row:ty) => {
        $(#[$meta])*
        $vis static $name: std::sync::LazyLock<$crate::db::Columns> = std::sync::LazyLock::new(|| {
            $crate::db::Columns::of(&<$row as diesel::Selectable<diesel::pg::Pg>>::construct_selection())
        });
    };
}

pub(crate) use {columns, pg_enum, statement};

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_literal_ends_where_the_text_does() {
        assert_eq!(text_literal("it's"), "E'it''s'");
        assert_eq!(text_literal("\\' or true --"), "E'\\\\'' or true --'");
        assert_eq!(text_literal("a\0b"), "E'ab'");
    }

    #[test]
    fn instants_of_all_years_are_literals() {
        let at = |text: &str| text.parse::<DateTime<Utc>>().unwrap();
        assert_eq!(instant_literal(at("2026-01-02T03:04:05.000999Z")), "'2026-01-02 03:04:05.000999+00'::timestamptz");
        assert_eq!(instant_literal(at("0000-02-29T00:00:00Z")), "'0001-02-29 00:00:00.000000+00 BC'::timestamptz");
    }
}
