//! Typed ids, and the opaque global ids that the API speaks.
//!
//! A row's key is a `bigint`. In Rust each table has its own id type, so that a user's id is never taken for an
//! item's. Clients see `base64url("User:42")`: opaque, unique across types, and taken by `node`.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Digits of the longest key, with its sign.
const KEY_BYTES: usize = 20;

/// The longest id before it is encoded: type names are far shorter than what is left of it.
const PLAIN_BYTES: usize = 48;

/// Why a text is not the id that was wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdError {
    /// Not an id of Plaza's at all.
    Malformed,
    /// An id of another type.
    OtherType,
}

/// Makes the opaque id of a row.
#[must_use]
pub fn encode_global_id(type_name: &str, key: i64) -> String {
    let mut plain = String::with_capacity(type_name.len() + KEY_BYTES + 1);
    plain.push_str(type_name);
    plain.push(':');
    plain.push_str(itoa::Buffer::new().format(key));
    URL_SAFE_NO_PAD.encode(plain)
}

/// Writes the opaque id of a row, in quotes.
pub fn write_global_id(out: &mut Vec<u8>, type_name: &str, key: i64) {
    let mut plain = [0; PLAIN_BYTES];
    let mut encoded = [0; PLAIN_BYTES.div_ceil(3) * 4];
    let mut digits = itoa::Buffer::new();
    let parts = [type_name, ":", digits.format(key)];
    let mut rest = &mut plain[..];
    let mut length = 0;
    for part in parts {
        let Some((place, behind)) = rest.split_at_mut_checked(part.len()) else { break };
        place.copy_from_slice(part.as_bytes());
        rest = behind;
        length += part.len();
    }
    let plain = plain.get(..length).unwrap_or_default();
    let length = URL_SAFE_NO_PAD.encode_slice(plain, &mut encoded).unwrap_or_default();
    out.push(b'"');
    out.extend_from_slice(encoded.get(..length).unwrap_or_default());
    out.push(b'"');
}

/// Splits an opaque id into its type's name and the row's key.
///
/// # Errors
/// [`IdError::Malformed`] when the text is not what [`encode_global_id`] makes.
pub fn decode_global_id(text: &str) -> Result<(String, i64), IdError> {
    if text.len() > 64 {
        return Err(IdError::Malformed);
    }
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| IdError::Malformed)?;
    let plain = String::from_utf8(bytes).map_err(|_| IdError::Malformed)?;
    let (name, key) = plain.split_once(':').ok_or(IdError::Malformed)?;
    let key: i64 = key.parse().map_err(|_| IdError::Malformed)?;
    // One spelling per row: no leading zeros, no plus sign.
    if key <= 0 || encode_global_id(name, key) != text {
        return Err(IdError::Malformed);
    }
    Ok((name.to_owned(), key))
}

/// Declares an id type over a `bigint` key, with the GraphQL type it names.
macro_rules! typed_id {
    ($(#[$doc:meta])* $name:ident, $graphql:literal) => {
        $(#[$doc])*
        #[derive(
            Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord,
            diesel::expression::AsExpression, diesel::deserialize::FromSqlRow, serde::Serialize, serde::Deserialize,
        )]
        #[diesel(sql_type = diesel::sql_types::BigInt)]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl $name {
            /// The GraphQL type whose rows these ids name.
            pub const TYPE: &'static str = $graphql;

            /// The opaque id that clients see.
            #[must_use]
            pub fn global(self) -> async_graphql::ID {
                async_graphql::ID($crate::ids::encode_global_id(Self::TYPE, self.0))
            }

            /// What the opaque id is made of.
            #[must_use]
            pub fn parts(self) -> (&'static str, i64) {
                (Self::TYPE, self.0)
            }

            /// Reads the opaque id that clients send.
            ///
            /// # Errors
            /// When the text is no id, or one of another type.
            pub fn parse(text: &str) -> Result<Self, $crate::ids::IdError> {
                let (name, key) = $crate::ids::decode_global_id(text)?;
                if name == Self::TYPE { Ok(Self(key)) } else { Err($crate::ids::IdError::OtherType) }
            }
        }

        impl diesel::serialize::ToSql<diesel::sql_types::BigInt, diesel::pg::Pg> for $name {
            fn to_sql<'b>(
                &'b self,
                out: &mut diesel::serialize::Output<'b, '_, diesel::pg::Pg>,
            ) -> diesel::serialize::Result {
                <i64 as diesel::serialize::ToSql<diesel::sql_types::BigInt, diesel::pg::Pg>>::to_sql(&self.0, out)
            }
        }

        impl diesel::deserialize::FromSql<diesel::sql_types::BigInt, diesel::pg::Pg> for $name {
            fn from_sql(bytes: diesel::pg::PgValue<'_>) -> diesel::deserialize::Result<Self> {
                <i64 as diesel::deserialize::FromSql<diesel::sql_types::BigInt, diesel::pg::Pg>>::from_sql(bytes)
                    .map(Self)
            }
        }
    };
}

typed_id!(
    /// A person's account; the API calls it a user.
    UserId, "User"
);
typed_id!(
    /// A sign-in on one device.
    SessionId, "Session"
);
typed_id!(
    /// A direct or group conversation.
    ConversationId, "Conversation"
);
typed_id!(
    /// A group; its conversation has the same key.
    GroupId, "Group"
);
typed_id!(
    /// A user's membership of a group.
    GroupMemberId, "GroupMember"
);
typed_id!(
    /// A request to join a group.
    GroupJoinRequestId, "GroupJoinRequest"
);
typed_id!(
    /// A merchant: a business of the community's.
    MerchantId, "Merchant"
);
typed_id!(
    /// A user's membership of a merchant.
    MerchantMembershipId, "MerchantMembership"
);
typed_id!(
    /// A code that a merchant is made with.
    ActivationCodeId, "ActivationCode"
);
typed_id!(
    /// One message.
    MessageId, "Message"
);
typed_id!(
    /// A user's file.
    MediaId, "Media"
);
typed_id!(
    /// An offer, for sale or wanted.
    ItemId, "Item"
);
typed_id!(
    /// A favorite of a user.
    FavoriteId, "Favorite"
);
typed_id!(
    /// A task: help that a user asks for.
    TaskId, "Task"
);
typed_id!(
    /// A user's balance; the key is its owner's.
    WalletId, "Wallet"
);
typed_id!(
    /// A movement of a user's money.
    EntryId, "LedgerEntry"
);
typed_id!(
    /// A product of the points store.
    ProductId, "Product"
);
typed_id!(
    /// An exchange of balance for a product.
    OrderId, "Order"
);
typed_id!(
    /// A question to support.
    TicketId, "Ticket"
);
typed_id!(
    /// A friendship, as one of the two has it.
    FriendshipId, "Friendship"
);
typed_id!(
    /// A request to become friends.
    FriendRequestId, "FriendRequest"
);
typed_id!(
    /// A group in which a user sorts friends.
    FriendGroupId, "FriendGroup"
);
typed_id!(
    /// The content of files; clients never see one.
    BlobId, "Blob"
);
typed_id!(
    /// A file that is still to come; clients never see one.
    UploadId, "Upload"
);

impl GroupId {
    /// The conversation of the group.
    #[must_use]
    pub fn conversation(self) -> ConversationId {
        ConversationId(self.0)
    }
}

impl ConversationId {
    /// The group whose conversation it is, where it is one of a group.
    #[must_use]
    pub fn group(self) -> GroupId {
        GroupId(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_global_id_goes_there_and_back() {
        let id = UserId(42);
        assert_eq!(UserId::parse(&id.global()), Ok(id));
        assert_eq!(MessageId::parse(&id.global()), Err(IdError::OtherType));
    }

    #[test]
    fn what_is_no_id_is_refused() {
        for text in ["", "42", "!!", "VXNlcjo", "VXNlcjow", "VXNlcjotMQ", "VXNlcjowNDI", &"A".repeat(100)] {
            assert_eq!(UserId::parse(text), Err(IdError::Malformed), "{text}");
        }
    }
}
