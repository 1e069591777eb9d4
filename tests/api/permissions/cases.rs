//! Every root field, with a document that asks for something of the owner's.

use serde_json::{Value, json};

use super::Fixture;
use crate::harness::Person;
use crate::harness::accounts::{LOGIN, REGISTER, REQUEST};

/// A root field with a document that asks for something of the owner's, and what the document is given.
pub struct Case {
    /// The field, with its root.
    pub field: &'static str,
    /// What is asked.
    pub document: &'static str,
    /// What of.
    pub variables: fn(&Fixture) -> Value,
}

const fn case(field: &'static str, document: &'static str, variables: fn(&Fixture) -> Value) -> Case {
    Case { field, document, variables }
}

fn none(_: &Fixture) -> Value {
    json!({})
}

fn owner(fixture: &Fixture) -> Value {
    json!({ "id": fixture.owner.id })
}

/// An account's fields, private ones among them.
macro_rules! user {
    () => {
        "{ username deleted private { address pendingEmail email idCard } }"
    };
}

/// Every root field.
pub const CASES: &[Case] = &[
    case("Query.node", concat!("query ($id: ID!) { node(id: $id) { ... on User ", user!(), " } }"), owner),
    case("Query.nodes", concat!("query ($id: ID!) { nodes(ids: [$id]) { ... on User ", user!(), " } }"), owner),
    case("Query.viewer", concat!("{ viewer { user ", user!(), " sessions { id deviceName } files { nodes { fileName } } wallet { entries { nodes { note } } } orders { nodes { address } } tickets { nodes { question } } friends { nodes { remark } } friendGroups { name } friendRequests { nodes { reason } } blockedUsers { nodes { username } } groups { nodes { announcement } } myJoinRequests { nodes { reason } } groupJoinRequests { nodes { reason } } merchants { nodes { merchant { name } } } unread { messages conversations friendRequests groupJoinRequests } eventCursor } }"), none),
    case("Query.user", concat!("query ($id: ID!) { user(id: $id) ", user!(), " }"), owner),
    case("Query.users", concat!("{ users { nodes ", user!(), " } }"), none),
    case("Query.userByAccountNumber", concat!("query ($n: Int!) { userByAccountNumber(accountNumber: $n) ", user!(), " }"), |f| {
        json!({ "n": f.account_number })
    }),
    case("Query.conversation", "query ($id: ID!) { conversation(id: $id) { lastMessage { content { ... on TextContent { text } } } } }", |f| {
        json!({ "id": f.conversation })
    }),
    case("Query.conversationWith", "query ($id: ID!) { conversationWith(userId: $id) { id lastMessage { content { ... on TextContent { text } } } } }", |f| {
        json!({ "id": f.friend })
    }),
    case("Query.message", "query ($id: ID!) { message(id: $id) { content { ... on TextContent { text } } } }", |f| {
        json!({ "id": f.message })
    }),
    case("Query.item", "query ($id: ID!) { item(id: $id) { title owner { username } } }", |f| json!({ "id": f.item })),
    case("Query.items", concat!("{ items(filter: { status: [OPEN, CLOSED, DELETED] }) { nodes { title owner ", user!(), " } } }"), none),
    case("Query.search", concat!("query ($q: String!) { search(query: $q) { nodes { ... on User ", user!(), " ... on Item { title } } } }"), |f| {
        json!({ "q": f.username })
    }),
    case("Query.nearbyUsers", concat!("{ nearbyUsers(at: { longitude: 121.47, latitude: 31.23 }) { nodes { distanceMeters user ", user!(), " } } }"), none),
    case("Query.nearbyGroups", "{ nearbyGroups(at: { longitude: 121.47, latitude: 31.23 }) { nodes { distanceMeters group { name announcement coordinates { longitude } } } } }", none),
    case("Query.searchUsers", concat!("query ($q: String!) { searchUsers(query: $q) { nodes ", user!(), " } }"), |f| json!({ "q": f.username })),
    case("Mutation.createItem", "mutation { createItem(input: { title: \"a\", category: 1, price: 1, condition: 1, direction: SELL }) { item { title } userErrors { code } } }", none),
    case("Mutation.updateItem", "mutation ($id: ID!) { updateItem(id: $id, input: { title: \"b\" }) { item { title } userErrors { code } } }", |f| json!({ "id": f.item })),
    case("Mutation.deleteItem", "mutation ($id: ID!) { deleteItem(id: $id) { item { title } userErrors { code } } }", |f| json!({ "id": f.open_item })),
    case("Mutation.uploadItemImages", "mutation ($id: ID!, $files: [Upload!]!) { uploadItemImages(itemId: $id, files: $files) { item { title } userErrors { code } } }", |f| json!({ "id": f.open_item })),
    case("Mutation.tradeItem", "mutation ($id: ID!) { tradeItem(id: $id) { item { title } userErrors { code } } }", |f| json!({ "id": f.open_item })),
    case("Mutation.addFavorites", "mutation ($id: ID!) { addFavorites(itemIds: [$id]) { favorites { id } userErrors { code } } }", |f| json!({ "id": f.item })),
    case("Mutation.removeFavorites", "mutation ($id: ID!) { removeFavorites(itemIds: [$id]) { favorites { id } userErrors { code } } }", |f| json!({ "id": f.item })),
    case("Mutation.createImageCaptcha", "mutation { createImageCaptcha(purpose: LOGIN) { captcha { key } userErrors { code } } }", none),
    case("Mutation.requestVerificationCode", REQUEST, |f| {
        json!({ "input": { "contact": { "email": f.new_email() }, "purpose": "LOGIN" } })
    }),
    case("Mutation.register", REGISTER, |f| {
        json!({ "input": { "username": format!("new{}", f.number), "password": Person::PASSWORD } })
    }),
    case("Mutation.login", LOGIN, |f| {
        json!({ "input": { "credential": { "password": { "account": f.username, "password": "not the password" } } } })
    }),
    case("Mutation.reauthenticate", "mutation ($a: String!) { reauthenticate(credential: { password: { account: $a, password: \"not the password\" } }) { ok userErrors { code } } }", |f| {
        json!({ "a": f.username })
    }),
    case("Mutation.refreshSession", "mutation { refreshSession(refreshToken: \"none\") { user { id } userErrors { code } } }", none),
    case("Mutation.createStreamTicket", "mutation { createStreamTicket { ticket userErrors { code } } }", none),
    case("Mutation.logout", "mutation { logout { ok userErrors { code } } }", none),
    case("Mutation.revokeSession", "mutation ($id: ID!) { revokeSession(id: $id) { deletedId userErrors { code } } }", |f| {
        json!({ "id": f.session })
    }),
    case("Mutation.revokeOtherSessions", "mutation { revokeOtherSessions { ok userErrors { code } } }", none),
    case("Mutation.requestPasswordReset", "mutation ($e: EmailAddress!) { requestPasswordReset(contact: { email: $e }) { ok userErrors { code } } }", |f| {
        json!({ "e": f.new_email() })
    }),
    case("Mutation.resetPassword", "mutation ($e: EmailAddress!) { resetPassword(input: { contact: { email: $e }, code: \"000000\", newPassword: \"a long password\" }) { ok userErrors { code } } }", |f| {
        json!({ "e": f.new_email() })
    }),
    case("Mutation.changePassword", "mutation { changePassword(input: { newPassword: \"a long password\" }) { user { id } userErrors { code } } }", none),
    case("Mutation.updateProfile", concat!("mutation { updateProfile(input: { bio: \"hi\" }) { user ", user!(), " userErrors { code } } }"), none),
    case("Mutation.uploadAvatar", concat!("mutation ($file: Upload!) { uploadAvatar(file: $file) { user ", user!(), " userErrors { code } } }"), none),
    case("Mutation.uploadFile", "mutation ($file: Upload!) { uploadFile(file: $file) { media { fileName } userErrors { code } } }", none),
    case("Mutation.uploadFiles", "mutation ($files: [Upload!]!) { uploadFiles(files: $files) { media { fileName } userErrors { code } } }", none),
    case("Mutation.createUploadTicket", "mutation { createUploadTicket(input: { fileName: \"a\", contentType: \"image/png\", sizeBytes: 9 }) { ticket { fileUrl } userErrors { code } } }", none),
    case("Mutation.completeUpload", "mutation ($token: String!) { completeUpload(uploadToken: $token) { media { fileName } userErrors { code } } }", |f| {
        json!({ "token": f.upload })
    }),
    case("Mutation.deleteFile", "mutation ($id: ID!) { deleteFile(id: $id) { deletedId userErrors { code } } }", |f| {
        json!({ "id": f.file })
    }),
    case("Mutation.sendEmailVerification", "mutation { sendEmailVerification { ok userErrors { code } } }", none),
    case("Mutation.verifyEmail", concat!("mutation { verifyEmail(token: \"none\") { user ", user!(), " userErrors { code } } }"), none),
    case("Mutation.verifyContact", concat!("mutation ($e: EmailAddress!) { verifyContact(contact: { email: $e }, code: \"000000\") { user ", user!(), " userErrors { code } } }"), |f| {
        json!({ "e": f.pending_email() })
    }),
    case("Mutation.adminUpdateUser", concat!("mutation ($id: ID!) { adminUpdateUser(id: $id, input: { score: 11 }) { user ", user!(), " userErrors { code } } }"), owner),
    case("Mutation.suspendUser", concat!("mutation ($id: ID!) { suspendUser(id: $id) { user ", user!(), " userErrors { code } } }"), owner),
    case("Mutation.unsuspendUser", concat!("mutation ($id: ID!) { unsuspendUser(id: $id) { user ", user!(), " userErrors { code } } }"), owner),
    case("Mutation.deleteUser", "mutation ($id: ID!) { deleteUser(id: $id) { deletedId userErrors { code } } }", owner),
    case("Mutation.sendMessage", "mutation ($id: ID!) { sendMessage(input: { to: { conversationId: $id }, content: { text: { text: \"hi\" } } }) {
        message { conversation { lastMessage { seq } peer { private { address } } } } userErrors { code } } }", |f| json!({ "id": f.conversation })),
    case("Query.messages", "{ messages(first: 5) { nodes { content { ... on TextContent { text } } } } }", none),
    case("Mutation.forwardMessage", "mutation ($id: ID!, $to: ID!) { forwardMessage(id: $id, to: { conversationId: $to }) { message { content { ... on TextContent { text } } } userErrors { code } } }", |f| {
        json!({ "id": f.message, "to": f.conversation })
    }),
    case("Mutation.pullNewMessages", "mutation { pullNewMessages { messages { content { ... on TextContent { text } } } userErrors { code } } }", none),
    case("Mutation.addReaction", "mutation ($id: ID!) { addReaction(messageId: $id, emoji: \"👍\") { message { content { ... on TextContent { text } } } userErrors { code } } }", |f| {
        json!({ "id": f.message })
    }),
    case("Mutation.removeReaction", "mutation ($id: ID!) { removeReaction(messageId: $id, emoji: \"👍\") { message { content { ... on TextContent { text } } } userErrors { code } } }", |f| {
        json!({ "id": f.message })
    }),
    case("Mutation.editMessage", "mutation ($id: ID!) { editMessage(id: $id, text: \"changed\") { message { seq content { ... on TextContent { text } } } userErrors { code } } }", |f| {
        json!({ "id": f.message })
    }),
    case("Mutation.markConversationDelivered", "mutation ($id: ID!) { markConversationDelivered(to: { conversationId: $id }, upToSeq: 1) { conversation { id } userErrors { code } } }", |f| {
        json!({ "id": f.conversation })
    }),
    case("Mutation.markConversationRead", "mutation ($id: ID!) { markConversationRead(to: { conversationId: $id }) { conversation { id } userErrors { code } } }", |f| {
        json!({ "id": f.conversation })
    }),
    case("Mutation.updateConversation", "mutation ($id: ID!) { updateConversation(id: $id, pinned: true) { conversation { pinned lastMessage { content { ... on TextContent { text } } } } userErrors { code } } }", |f| {
        json!({ "id": f.conversation })
    }),
    case("Mutation.revokeMessage", "mutation ($id: ID!) { revokeMessage(id: $id) { message { status content { ... on TextContent { text } } } userErrors { code } } }", |f| {
        json!({ "id": f.message })
    }),
    case("Mutation.deleteMessage", "mutation ($id: ID!) { deleteMessage(id: $id, scope: FOR_EVERYONE) { deletedId userErrors { code } } }", |f| {
        json!({ "id": f.message })
    }),
    case("Mutation.clearConversation", "mutation ($id: ID!) { clearConversation(id: $id) { conversation { title lastMessage { content { ... on TextContent { text } } } } userErrors { code } } }", |f| {
        json!({ "id": f.conversation })
    }),
    case("Mutation.setTyping", "mutation ($id: ID!) { setTyping(to: { conversationId: $id }, state: TYPING) { ok userErrors { code } } }", |f| {
        json!({ "id": f.conversation })
    }),
    case("Query.task", "query ($id: ID!) { task(id: $id) { title publisher { username } } }", |f| json!({ "id": f.money.cancelled_task })),
    case("Query.tasks", "{ tasks(filter: { status: [CANCELLED] }) { nodes { title } } }", none),
    case("Query.product", "query ($id: ID!) { product(id: $id) { name stock } }", |f| json!({ "id": f.money.product })),
    case("Query.products", "{ products { nodes { name } } }", none),
    case("Query.order", "query ($id: ID!) { order(id: $id) { address history { note } } }", |f| json!({ "id": f.money.order })),
    case("Query.orders", "{ orders { nodes { address } } }", none),
    case("Query.ticket", "query ($id: ID!) { ticket(id: $id) { question order { address } } }", |f| json!({ "id": f.money.ticket })),
    case("Query.tickets", "{ tickets { nodes { question } } }", none),
    case("Mutation.createTask", "mutation { createTask(input: { title: \"a\", content: \"b\", price: 0 }) { task { title } userErrors { code } } }", none),
    case("Mutation.updateTask", "mutation ($id: ID!) { updateTask(id: $id, input: { title: \"b\" }) { task { id } userErrors { code } } }", |f| json!({ "id": f.money.task })),
    case("Mutation.cancelTask", "mutation ($id: ID!) { cancelTask(id: $id) { task { id } userErrors { code } } }", |f| json!({ "id": f.money.task })),
    case("Mutation.acceptTask", "mutation ($id: ID!) { acceptTask(id: $id) { task { id } userErrors { code } } }", |f| json!({ "id": f.money.task })),
    case("Mutation.submitTask", "mutation ($id: ID!) { submitTask(id: $id) { task { id } userErrors { code } } }", |f| json!({ "id": f.money.accepted_task })),
    case("Mutation.disputeTask", "mutation ($id: ID!) { disputeTask(id: $id, reason: \"r\") { task { id } userErrors { code } } }", |f| json!({ "id": f.money.submitted_task })),
    case("Mutation.resolveTask", "mutation ($id: ID!) { resolveTask(id: $id, payToAssignee: 0, note: \"n\") { task { id } userErrors { code } } }", |f| json!({ "id": f.money.disputed_task })),
    case("Mutation.abandonTask", "mutation ($id: ID!) { abandonTask(id: $id) { task { id } userErrors { code } } }", |f| json!({ "id": f.money.accepted_task })),
    case("Mutation.releaseTask", "mutation ($id: ID!) { releaseTask(id: $id) { task { id } userErrors { code } } }", |f| json!({ "id": f.money.accepted_task })),
    case("Mutation.finishTask", "mutation ($id: ID!) { finishTask(id: $id) { task { id } userErrors { code } } }", |f| json!({ "id": f.money.accepted_task })),
    case("Mutation.createProduct", "mutation { createProduct(input: { name: \"a\", price: 1, stock: 1, imageId: \"x\" }) { product { id } userErrors { code } } }", none),
    case("Mutation.updateProduct", "mutation ($id: ID!) { updateProduct(id: $id, input: { stockDelta: 1 }) { product { id } userErrors { code } } }", |f| json!({ "id": f.money.product })),
    case("Mutation.deleteProduct", "mutation ($id: ID!) { deleteProduct(id: $id) { deletedId userErrors { code } } }", |f| json!({ "id": f.money.product })),
    case("Mutation.exchangeProduct", "mutation ($id: ID!) { exchangeProduct(id: $id, address: \"x\") { order { id } userErrors { code } } }", |f| json!({ "id": f.money.product })),
    case("Mutation.updateOrder", "mutation ($id: ID!) { updateOrder(id: $id, input: { address: \"x\" }) { order { id } userErrors { code } } }", |f| json!({ "id": f.money.order })),
    case("Mutation.confirmOrder", "mutation ($id: ID!) { confirmOrder(id: $id) { order { id } userErrors { code } } }", |f| json!({ "id": f.money.shipped_order })),
    case("Mutation.cancelOrder", "mutation ($id: ID!) { cancelOrder(id: $id) { order { id } userErrors { code } } }", |f| json!({ "id": f.money.order })),
    case("Mutation.refundOrder", "mutation ($id: ID!) { refundOrder(id: $id) { order { id } userErrors { code } } }", |f| json!({ "id": f.money.shipped_order })),
    case("Mutation.rechargeWallet", "mutation { rechargeWallet(amount: 1) { wallet { balance } userErrors { code } } }", none),
    case("Mutation.adjustBalance", "mutation ($id: ID!) { adjustBalance(userId: $id, amount: 1, note: \"n\") { wallet { balance } userErrors { code } } }", owner),
    case("Mutation.createTicket", "mutation ($id: ID!) { createTicket(question: \"q\", orderId: $id) { ticket { id } userErrors { code } } }", |f| json!({ "id": f.money.order })),
    case("Mutation.answerTicket", "mutation ($id: ID!) { answerTicket(id: $id, answer: \"a\") { ticket { id } userErrors { code } } }", |f| json!({ "id": f.money.ticket })),
    case("Mutation.reopenTicket", "mutation ($id: ID!) { reopenTicket(id: $id, content: \"q\") { ticket { id } userErrors { code } } }", |f| json!({ "id": f.money.ticket })),
    case("Mutation.closeTicket", "mutation ($id: ID!) { closeTicket(id: $id) { ticket { id } userErrors { code } } }", |f| json!({ "id": f.money.ticket })),
    case("Query.group", "query ($id: ID!) { group(id: $id) { name announcement members { nodes { nameCard } } viewerJoinRequest { reason } } }", |f| json!({ "id": f.group.group })),
    case("Query.groups", "{ groups(first: 100) { nodes { name announcement viewerJoinRequest { id } } } }", none),
    case("Mutation.createGroup", "mutation ($id: ID!) { createGroup(input: { name: \"new\", memberIds: [$id] }) { group { name } userErrors { code } } }", |f| json!({ "id": f.friend })),
    case("Mutation.updateGroup", "mutation ($id: ID!) { updateGroup(id: $id, input: { name: \"new\" }) { group { announcement } userErrors { code } } }", |f| json!({ "id": f.group.group })),
    case("Mutation.requestToJoinGroup", "mutation ($id: ID!) { requestToJoinGroup(groupId: $id, reason: \"r\") { joinRequest { reason } userErrors { code } } }", |f| json!({ "id": f.group.group })),
    case("Mutation.respondToJoinRequest", "mutation ($id: ID!, $user: ID!) { respondToJoinRequest(groupId: $id, userId: $user, decision: DENY) { joinRequest { reason } userErrors { code } } }", |f| json!({ "id": f.group.group, "user": f.group.asker })),
    case("Mutation.cancelJoinRequest", "mutation ($id: ID!) { cancelJoinRequest(groupId: $id) { joinRequest { reason } userErrors { code } } }", |f| json!({ "id": f.group.asked })),
    case("Mutation.inviteToGroup", "mutation ($id: ID!, $user: ID!) { inviteToGroup(groupId: $id, userIds: [$user]) { added { role } group { announcement } userErrors { code } } }", |f| json!({ "id": f.group.group, "user": f.friends.stranger })),
    case("Mutation.leaveGroup", "mutation ($id: ID!) { leaveGroup(groupId: $id) { deletedId userErrors { code } } }", |f| json!({ "id": f.group.group })),
    case("Mutation.dissolveGroup", "mutation ($id: ID!) { dissolveGroup(groupId: $id) { deletedId userErrors { code } } }", |f| json!({ "id": f.group.group })),
    case("Mutation.transferGroup", "mutation ($id: ID!, $user: ID!) { transferGroup(groupId: $id, toUserId: $user) { group { announcement } userErrors { code } } }", |f| json!({ "id": f.group.group, "user": f.friend })),
    case("Mutation.removeGroupMember", "mutation ($id: ID!, $user: ID!) { removeGroupMember(groupId: $id, userId: $user) { deletedId userErrors { code } } }", |f| json!({ "id": f.group.group, "user": f.friend })),
    case("Mutation.setGroupManager", "mutation ($id: ID!, $user: ID!) { setGroupManager(groupId: $id, userId: $user, isManager: true) { member { role } userErrors { code } } }", |f| json!({ "id": f.group.group, "user": f.friend })),
    case("Mutation.muteGroupMember", "mutation ($id: ID!, $user: ID!) { muteGroupMember(groupId: $id, userId: $user, minutes: 1) { member { isMuted } userErrors { code } } }", |f| json!({ "id": f.group.group, "user": f.friend })),
    case("Mutation.setGroupNameCard", "mutation ($id: ID!) { setGroupNameCard(groupId: $id, nameCard: \"card\") { member { nameCard } userErrors { code } } }", |f| json!({ "id": f.group.group })),
    case("Subscription.groupJoinRequestReceived", "subscription { groupJoinRequestReceived { reason } }", none),
    case("Query.merchant", "query ($id: ID!) { merchant(id: $id) { name joined members { nodes { username } } } }", |f| json!({ "id": f.merchants.own })),
    case("Query.merchants", "{ merchants(first: 100) { nodes { name joined } } }", none),
    case("Query.activationCodes", "{ activationCodes { nodes { code } } }", none),
    case("Mutation.createMerchant", "mutation ($id: ID!, $user: ID!) { createMerchant(input: { activationCode: \"00000000000000000000000000000000\", name: \"n\", iconId: $id, customerServiceId: $user }) { merchant { name } userErrors { code } } }", |f| json!({ "id": f.file, "user": f.friend })),
    case("Mutation.updateMerchant", "mutation ($id: ID!) { updateMerchant(id: $id, input: { name: \"new\" }) { merchant { name } userErrors { code } } }", |f| json!({ "id": f.merchants.own })),
    case("Mutation.transferMerchant", "mutation ($id: ID!, $user: ID!) { transferMerchant(merchantId: $id, toUserId: $user) { merchant { name } userErrors { code } } }", |f| json!({ "id": f.merchants.own, "user": f.friend })),
    case("Mutation.resignCustomerService", "mutation ($id: ID!) { resignCustomerService(merchantId: $id) { merchant { name } userErrors { code } } }", |f| json!({ "id": f.merchants.served })),
    case("Mutation.joinMerchant", "mutation ($id: ID!) { joinMerchant(merchantId: $id) { membership { id } userErrors { code } } }", |f| json!({ "id": f.merchants.own })),
    case("Mutation.leaveMerchant", "mutation ($id: ID!) { leaveMerchant(merchantId: $id) { deletedId userErrors { code } } }", |f| json!({ "id": f.merchants.served })),
    case("Mutation.createActivationCodes", "mutation { createActivationCodes(count: 1) { codes { code } userErrors { code } } }", none),
    case("Mutation.revokeActivationCode", "mutation ($id: ID!) { revokeActivationCode(id: $id) { deletedId userErrors { code } } }", |f| json!({ "id": f.merchants.code })),
    case("Query.relationship", "query ($id: ID!) { relationship(userId: $id) { isFriend outgoingRequest { reason } } }", |f| json!({ "id": f.friend })),
    case("Mutation.sendFriendRequest", "mutation ($id: ID!) { sendFriendRequest(userId: $id) { friendRequest { reason } userErrors { code } } }", |f| json!({ "id": f.friends.stranger })),
    case("Mutation.respondToFriendRequest", "mutation ($id: ID!) { respondToFriendRequest(fromUserId: $id, decision: ACCEPT) { friendRequest { reason } userErrors { code } } }", |f| json!({ "id": f.friends.asker })),
    case("Mutation.cancelFriendRequest", "mutation ($id: ID!) { cancelFriendRequest(id: $id) { friendRequest { reason } userErrors { code } } }", |f| json!({ "id": f.friends.request })),
    case("Mutation.removeFriend", "mutation ($id: ID!) { removeFriend(userId: $id) { deletedId userErrors { code } } }", |f| json!({ "id": f.friend })),
    case("Mutation.blockUser", "mutation ($id: ID!) { blockUser(userId: $id) { user { username } userErrors { code } } }", |f| json!({ "id": f.friend })),
    case("Mutation.unblockUser", "mutation ($id: ID!) { unblockUser(userId: $id) { user { username } userErrors { code } } }", |f| json!({ "id": f.friends.blocked })),
    case("Mutation.setFriendRemark", "mutation ($id: ID!) { setFriendRemark(userId: $id, remark: \"r\") { friendship { remark } userErrors { code } } }", |f| json!({ "id": f.friend })),
    case("Mutation.setFriendLabels", "mutation ($id: ID!) { setFriendLabels(userId: $id, labels: [\"l\"]) { friendship { labels } userErrors { code } } }", |f| json!({ "id": f.friend })),
    case("Mutation.createFriendGroup", "mutation ($id: ID!) { createFriendGroup(name: \"new\", memberIds: [$id]) { friendGroup { name } userErrors { code } } }", |f| json!({ "id": f.friend })),
    case("Mutation.renameFriendGroup", "mutation ($id: ID!) { renameFriendGroup(id: $id, name: \"new\") { friendGroup { name } userErrors { code } } }", |f| json!({ "id": f.friends.group })),
    case("Mutation.deleteFriendGroup", "mutation ($id: ID!) { deleteFriendGroup(id: $id) { deletedId userErrors { code } } }", |f| json!({ "id": f.friends.group })),
    case("Mutation.addFriendGroupMembers", "mutation ($id: ID!, $member: ID!) { addFriendGroupMembers(id: $id, memberIds: [$member]) { friendGroup { name } userErrors { code } } }", |f| json!({ "id": f.friends.group, "member": f.friend })),
    case("Mutation.removeFriendGroupMembers", "mutation ($id: ID!, $member: ID!) { removeFriendGroupMembers(id: $id, memberIds: [$member]) { friendGroup { name } userErrors { code } } }", |f| json!({ "id": f.friends.group, "member": f.friend })),
    case("Subscription.friendRequestReceived", "subscription { friendRequestReceived { reason } }", none),
    case("Subscription.friendRequestAnswered", "subscription { friendRequestAnswered { reason } }", none),
    case("Subscription.taskUpdated", "subscription { taskUpdated { title } }", none),
    case("Subscription.orderUpdated", "subscription { orderUpdated { address } }", none),
    case("Subscription.ticketUpdated", "subscription { ticketUpdated { question } }", none),
    case("Subscription.messageReceived", "subscription { messageReceived { message { content { ... on TextContent { text } } sender { private { address } } } } }", none),
    case("Subscription.messageChanged", "subscription { messageChanged { payload { ... on MessageUpdated { message { content { ... on TextContent { text } } } } } } }", none),
    case("Subscription.conversationUpdated", "subscription { conversationUpdated { lastMessage { content { ... on TextContent { text } } } } }", none),
    case("Subscription.typing", "subscription { typing { user { private { address } } conversation { lastMessage { content { ... on TextContent { text } } } } } }", none),
    case("Subscription.presenceChanged", "subscription { presenceChanged { user { id } presence { isOnline } } }", none),
    case("Subscription.events", "subscription { events { payload { ... on MessageCreated { message { content { ... on TextContent { text } } } } } } }", none),
];
