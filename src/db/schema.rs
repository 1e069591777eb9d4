// @generated automatically by Diesel CLI.

pub mod sql_types {
    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "code_purpose"))]
    pub struct CodePurpose;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "conversation_kind"))]
    pub struct ConversationKind;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "gender"))]
    pub struct Gender;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "item_direction"))]
    pub struct ItemDirection;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "item_status"))]
    pub struct ItemStatus;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "ledger_account"))]
    pub struct LedgerAccount;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "ledger_reason"))]
    pub struct LedgerReason;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "message_channel"))]
    pub struct MessageChannel;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "message_status"))]
    pub struct MessageStatus;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "message_type"))]
    pub struct MessageType;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "order_status"))]
    pub struct OrderStatus;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "platform"))]
    pub struct Platform;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "search_kind"))]
    pub struct SearchKind;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "session_end"))]
    pub struct SessionEnd;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "task_status"))]
    pub struct TaskStatus;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "ticket_status"))]
    pub struct TicketStatus;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "tsvector", schema = "pg_catalog"))]
    pub struct Tsvector;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "upload_state"))]
    pub struct UploadState;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "user_role"))]
    pub struct UserRole;

    #[derive(diesel::query_builder::QueryId, Clone, diesel::sql_types::SqlType)]
    #[diesel(postgres_type(name = "verification"))]
    pub struct Verification;
}

diesel::table! {
    blobs (id) {
        id -> Int8,
        sha256 -> Bytea,
        content_type -> Text,
        name -> Text,
        size_bytes -> Int8,
        stored -> Bool,
        uses -> Int4,
        wanted_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::ConversationKind;

    conversations (id) {
        id -> Int8,
        kind -> ConversationKind,
        low_user_id -> Nullable<Int8>,
        high_user_id -> Nullable<Int8>,
        last_seq -> Int4,
        version -> Int8,
        membership_version -> Int4,
        last_activity_at -> Timestamptz,
        created_at -> Timestamptz,
        opened_by -> Nullable<Int8>,
        answered -> Bool,
    }
}

diesel::table! {
    event_stream (only_row) {
        only_row -> Bool,
        head -> Int8,
        dropped_through -> Int8,
        last_at -> Timestamptz,
        outbox_floor -> Int8,
    }
}

diesel::table! {
    events (position, at) {
        position -> Int8,
        at -> Timestamptz,
        kind -> Text,
        audience -> Text,
        audience_id -> Int8,
        conversation_id -> Nullable<Int8>,
        version -> Nullable<Int8>,
        subject_id -> Nullable<Int8>,
        seq -> Nullable<Int4>,
        user_id -> Nullable<Int8>,
        actor_id -> Nullable<Int8>,
        target_id -> Nullable<Int8>,
        data -> Nullable<Jsonb>,
    }
}

diesel::table! {
    favorites (id) {
        id -> Int8,
        user_id -> Int8,
        item_id -> Int8,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    file_usage (owner_id) {
        owner_id -> Int8,
        files -> Int4,
        bytes -> Int8,
    }
}

diesel::table! {
    idempotency_keys (user_id, operation, key) {
        user_id -> Int8,
        operation -> Text,
        key -> Text,
        input_hash -> Bytea,
        result_id -> Nullable<Int8>,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::CodePurpose;

    image_captchas (key_hash) {
        key_hash -> Bytea,
        purpose -> CodePurpose,
        answer_hash -> Bytea,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    item_images (item_id, position) {
        item_id -> Int8,
        position -> Int2,
        media_id -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::ItemDirection;
    use super::sql_types::ItemStatus;

    items (id) {
        id -> Int8,
        owner_id -> Int8,
        title -> Text,
        category -> Int4,
        price -> Int8,
        condition -> Int2,
        note -> Text,
        direction -> ItemDirection,
        status -> ItemStatus,
        counterparty_id -> Nullable<Int8>,
        favorite_count -> Int4,
        closed_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    jobs (id) {
        id -> Int8,
        kind -> Text,
        subject_id -> Int8,
        due_at -> Timestamptz,
        next_try_at -> Timestamptz,
        failures -> Int4,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::LedgerAccount;

    ledger_entries (id) {
        id -> Int8,
        transfer_id -> Int8,
        account -> LedgerAccount,
        user_id -> Nullable<Int8>,
        amount -> Int8,
        balance_after -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::LedgerReason;

    ledger_transfers (id) {
        id -> Int8,
        reason -> LedgerReason,
        task_id -> Nullable<Int8>,
        actor_id -> Nullable<Int8>,
        note -> Nullable<Text>,
        settles -> Bool,
        created_at -> Timestamptz,
        order_id -> Nullable<Int8>,
    }
}

diesel::table! {
    media (id) {
        id -> Int8,
        owner_id -> Int8,
        blob_id -> Int8,
        thumbnail_id -> Nullable<Int8>,
        width -> Nullable<Int4>,
        height -> Nullable<Int4>,
        file_name -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    members (conversation_id, user_id) {
        conversation_id -> Int8,
        user_id -> Int8,
        from_seq -> Int4,
        until_seq -> Nullable<Int4>,
        from_version -> Int8,
        until_version -> Nullable<Int8>,
        read_seq -> Int4,
        read_at -> Nullable<Timestamptz>,
        delivered_seq -> Int4,
        own_since_read -> Int4,
        joined_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MessageType;
    use super::sql_types::MessageStatus;

    messages (id) {
        id -> Int8,
        conversation_id -> Int8,
        seq -> Int4,
        sender_id -> Int8,
        #[sql_name = "type"]
        type_ -> MessageType,
        content -> Nullable<Jsonb>,
        is_private -> Bool,
        status -> MessageStatus,
        client_message_id -> Nullable<Text>,
        input_hash -> Nullable<Bytea>,
        edited_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::CodePurpose;

    one_time_codes (contact, purpose, asked_from) {
        contact -> Text,
        purpose -> CodePurpose,
        code_hash -> Bytea,
        tries -> Int4,
        unasked -> Bool,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        asked_from -> Text,
        tries_elsewhere -> Int4,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::OrderStatus;

    order_events (id) {
        id -> Int8,
        order_id -> Int8,
        actor_id -> Nullable<Int8>,
        from_status -> Nullable<OrderStatus>,
        to_status -> OrderStatus,
        note -> Nullable<Text>,
        at -> Timestamptz,
        from_address -> Nullable<Text>,
        to_address -> Nullable<Text>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::OrderStatus;

    orders (id) {
        id -> Int8,
        buyer_id -> Int8,
        product_id -> Int8,
        product_name -> Text,
        price -> Int8,
        image_id -> Int8,
        address -> Text,
        tracking_number -> Nullable<Text>,
        status -> OrderStatus,
        restocked -> Bool,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    outbox (id) {
        id -> Int8,
        kind -> Text,
        audience -> Text,
        audience_id -> Int8,
        conversation_id -> Nullable<Int8>,
        version -> Nullable<Int8>,
        subject_id -> Nullable<Int8>,
        seq -> Nullable<Int4>,
        user_id -> Nullable<Int8>,
        written_at -> Timestamptz,
        actor_id -> Nullable<Int8>,
        target_id -> Nullable<Int8>,
        data -> Nullable<Jsonb>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::MessageChannel;

    outgoing_messages (id) {
        id -> Int8,
        channel -> MessageChannel,
        recipient -> Text,
        subject -> Text,
        body -> Text,
        code -> Nullable<Text>,
        only_if_known -> Bool,
        tries -> Int4,
        due_at -> Timestamptz,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
    }
}

diesel::table! {
    products (id) {
        id -> Int8,
        name -> Text,
        price -> Int8,
        stock -> Int4,
        supplied -> Int8,
        image_id -> Int8,
        deleted_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Gender;
    use super::sql_types::Verification;

    profiles (user_id) {
        user_id -> Int8,
        pending_email -> Nullable<Text>,
        pending_phone -> Nullable<Text>,
        gender -> Gender,
        birthday -> Nullable<Date>,
        bio -> Text,
        score -> Int4,
        verification -> Verification,
        country -> Nullable<Text>,
        province -> Nullable<Text>,
        city -> Nullable<Text>,
        district -> Nullable<Text>,
        id_card -> Nullable<Text>,
        student_id -> Nullable<Text>,
        address -> Text,
        longitude -> Nullable<Float8>,
        latitude -> Nullable<Float8>,
    }
}

diesel::table! {
    rate_counts (key) {
        key -> Bytea,
        used -> Int4,
        ends_at -> Timestamptz,
    }
}

diesel::table! {
    refresh_tokens (id) {
        id -> Int8,
        session_id -> Int8,
        token_hash -> Bytea,
        created_at -> Timestamptz,
        rotated_at -> Nullable<Timestamptz>,
        successor_salt -> Nullable<Bytea>,
        successor_id -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::SearchKind;
    use super::sql_types::Tsvector;

    search_entries (kind, subject_id) {
        kind -> SearchKind,
        subject_id -> Int8,
        version -> Int2,
        boost -> Float4,
        words -> Tsvector,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::SearchKind;

    search_words (word, kind) {
        word -> Text,
        kind -> SearchKind,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::Platform;
    use super::sql_types::SessionEnd;

    sessions (id) {
        id -> Int8,
        user_id -> Int8,
        platform -> Platform,
        device_name -> Nullable<Text>,
        ip -> Nullable<Text>,
        created_at -> Timestamptz,
        last_used_at -> Timestamptz,
        expires_at -> Timestamptz,
        revoked_at -> Nullable<Timestamptz>,
        end_reason -> Nullable<SessionEnd>,
        authenticated_at -> Timestamptz,
    }
}

diesel::table! {
    task_disputes (id) {
        id -> Int8,
        task_id -> Int8,
        assignee_id -> Int8,
        opened_by -> Int8,
        reason -> Text,
        opened_at -> Timestamptz,
        resolved_by -> Nullable<Int8>,
        paid -> Nullable<Int8>,
        note -> Nullable<Text>,
        resolved_at -> Nullable<Timestamptz>,
    }
}

diesel::table! {
    task_images (task_id, position) {
        task_id -> Int8,
        position -> Int2,
        media_id -> Int8,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::TaskStatus;

    tasks (id) {
        id -> Int8,
        publisher_id -> Int8,
        assignee_id -> Nullable<Int8>,
        title -> Text,
        content -> Text,
        price -> Int8,
        status -> TaskStatus,
        accepted_at -> Nullable<Timestamptz>,
        finished_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        deadline -> Nullable<Timestamptz>,
        submitted_at -> Nullable<Timestamptz>,
        submission_note -> Nullable<Text>,
        finishes_at -> Nullable<Timestamptz>,
        paid -> Nullable<Int8>,
        former_assignee_id -> Nullable<Int8>,
        reopened_by -> Nullable<Int8>,
        refused_ids -> Array<Nullable<Int8>>,
    }
}

diesel::table! {
    ticket_lines (id) {
        id -> Int8,
        ticket_id -> Int8,
        author_id -> Int8,
        is_answer -> Bool,
        content -> Text,
        created_at -> Timestamptz,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::TicketStatus;
    use super::sql_types::Tsvector;

    tickets (id) {
        id -> Int8,
        author_id -> Int8,
        agent_id -> Nullable<Int8>,
        order_id -> Nullable<Int8>,
        question -> Text,
        answer -> Nullable<Text>,
        status -> TicketStatus,
        words -> Tsvector,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        closed_by -> Nullable<Int8>,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::UploadState;

    uploads (id) {
        id -> Int8,
        owner_id -> Int8,
        key -> Text,
        file_name -> Text,
        content_type -> Text,
        size_bytes -> Int8,
        state -> UploadState,
        media_id -> Nullable<Int8>,
        created_at -> Timestamptz,
        expires_at -> Timestamptz,
        pending -> Bool,
    }
}

diesel::table! {
    use diesel::sql_types::*;
    use super::sql_types::UserRole;

    users (id) {
        id -> Int8,
        account_number -> Int4,
        username -> Text,
        username_key -> Text,
        nickname -> Text,
        password_hash -> Nullable<Text>,
        role -> UserRole,
        deleted_at -> Nullable<Timestamptz>,
        created_at -> Timestamptz,
        updated_at -> Timestamptz,
        email -> Nullable<Text>,
        phone -> Nullable<Text>,
        email_verified -> Bool,
        phone_verified -> Bool,
        suspended_at -> Nullable<Timestamptz>,
        suspended_until -> Nullable<Timestamptz>,
        suspension_reason -> Nullable<Text>,
        avatar_id -> Nullable<Int8>,
    }
}

diesel::table! {
    wallets (user_id) {
        user_id -> Int8,
        balance -> Int8,
        held -> Int8,
    }
}

diesel::joinable!(favorites -> items (item_id));
diesel::joinable!(favorites -> users (user_id));
diesel::joinable!(file_usage -> users (owner_id));
diesel::joinable!(idempotency_keys -> users (user_id));
diesel::joinable!(item_images -> items (item_id));
diesel::joinable!(item_images -> media (media_id));
diesel::joinable!(ledger_entries -> ledger_transfers (transfer_id));
diesel::joinable!(ledger_entries -> users (user_id));
diesel::joinable!(ledger_transfers -> orders (order_id));
diesel::joinable!(ledger_transfers -> tasks (task_id));
diesel::joinable!(ledger_transfers -> users (actor_id));
diesel::joinable!(members -> conversations (conversation_id));
diesel::joinable!(members -> users (user_id));
diesel::joinable!(messages -> conversations (conversation_id));
diesel::joinable!(messages -> users (sender_id));
diesel::joinable!(order_events -> orders (order_id));
diesel::joinable!(order_events -> users (actor_id));
diesel::joinable!(orders -> media (image_id));
diesel::joinable!(orders -> products (product_id));
diesel::joinable!(orders -> users (buyer_id));
diesel::joinable!(products -> media (image_id));
diesel::joinable!(profiles -> users (user_id));
diesel::joinable!(refresh_tokens -> sessions (session_id));
diesel::joinable!(sessions -> users (user_id));
diesel::joinable!(task_disputes -> tasks (task_id));
diesel::joinable!(task_images -> media (media_id));
diesel::joinable!(task_images -> tasks (task_id));
diesel::joinable!(ticket_lines -> tickets (ticket_id));
diesel::joinable!(ticket_lines -> users (author_id));
diesel::joinable!(tickets -> orders (order_id));
diesel::joinable!(uploads -> media (media_id));
diesel::joinable!(uploads -> users (owner_id));
diesel::joinable!(wallets -> users (user_id));

diesel::allow_tables_to_appear_in_same_query!(
    blobs,
    conversations,
    event_stream,
    events,
    favorites,
    file_usage,
    idempotency_keys,
    image_captchas,
    item_images,
    items,
    jobs,
    ledger_entries,
    ledger_transfers,
    media,
    members,
    messages,
    one_time_codes,
    order_events,
    orders,
    outbox,
    outgoing_messages,
    products,
    profiles,
    rate_counts,
    refresh_tokens,
    search_entries,
    search_words,
    sessions,
    task_disputes,
    task_images,
    tasks,
    ticket_lines,
    tickets,
    uploads,
    users,
    wallets,
);
