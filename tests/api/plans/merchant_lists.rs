//! Lists of merchants, of their members, groups and codes, over the skewed data.

use plaza::ids::MerchantId;

use super::skewed::PAGE;

const CARD: &str = "nodes { name icon { url } owner { nickname } customerService { nickname } joined }";

/// Lists that do not begin at the viewer.
pub fn merchant_lists() -> Vec<String> {
    let mut lists = Vec::new();
    for filter in ["", "query: \"merchant\"", "query: \"4000\"", "joined: true", "joined: false"] {
        lists.push(format!("merchants(first: 20, filter: {{ {filter} }}) {{ {PAGE} {CARD} }}"));
    }
    lists
        .push(format!("search(query: \"merchant\", kinds: [MERCHANT], first: 20) {{ {PAGE} nodes {{ __typename }} }}"));
    for merchant in [1, 2, 4000, 10_000].map(|merchant| MerchantId(merchant).global().0) {
        lists.push(format!(
            "merchant(id: {merchant:?}) {{ name members(first: 20) {{ {PAGE} nodes {{ nickname }} }} }}"
        ));
        lists.push(format!(
            "merchant(id: {merchant:?}) {{ name groups(first: 20) {{ {PAGE} nodes {{ name joined }} }} }}"
        ));
        for filter in ["joined: true", "joined: false", "query: \"rare\""] {
            let filter = format!("filter: {{ merchantId: {merchant:?}, {filter} }}");
            lists.push(format!("groups(first: 20, {filter}) {{ {PAGE} nodes {{ name merchant {{ name }} }} }}"));
        }
    }
    for joined in ["joined: true", "joined: false"] {
        lists.push(format!(
            "groups(first: 20, filter: {{ {joined} }}) {{ {PAGE} nodes {{ name merchant {{ name }} }} }}"
        ));
    }
    lists
}

/// The viewer's list.
pub fn own_merchant_list() -> String {
    format!("merchants(first: 20) {{ {PAGE} nodes {{ merchant {{ name }} }} }}")
}

/// Lists of administrators.
pub fn code_lists() -> [String; 2] {
    ["true", "false"].map(|unused| {
        format!("activationCodes(first: 20, unusedOnly: {unused}) {{ {PAGE} nodes {{ code usedBy {{ name }} }} }}")
    })
}
