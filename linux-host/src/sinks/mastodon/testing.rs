//! Accounts and statuses as servers give them ("Account" and "Status" of Mastodon's documentation, November 2026), for tests:
//! in full, as most of an answer is what nobody here asks for.

use serde_json::{Value, json};

fn picture(what: &str, id: &str) -> String {
    format!("https://files.social.example/{what}/{id}/original/3d0f6ba1c2f94e0e8a7d5b1c.png")
}

/// An account that has filled in everything.
pub(super) fn account(id: &str) -> Value {
    let field = |name: &str| {
        let link = format!("https://{name}.example/@bell");
        json!({
            "name": name,
            "value": format!("<a href=\"{link}\" target=\"_blank\" rel=\"nofollow noopener me\" translate=\"no\">{link}</a>"),
            "verified_at": "2026-11-01T07:30:00.000+00:00",
        })
    };
    let emoji = |name: &str| {
        let url = picture("custom_emojis", name);
        json!({ "shortcode": name, "url": url, "static_url": url, "visible_in_picker": true, "category": "house" })
    };
    let (emojis, fields) =
        (["bell", "house", "door", "lamp"].map(emoji), ["home", "code", "mail", "garden"].map(field));
    json!({
        "id": id,
        "username": "bell",
        "acct": "bell@social.example",
        "display_name": "The bell :bell: of the house :house:",
        "locked": false,
        "bot": true,
        "discoverable": true,
        "indexable": false,
        "group": false,
        "created_at": "2022-11-06T00:00:00.000Z",
        "note": format!("<p>{}</p>", "Rings when someone is at the door. ".repeat(14)),
        "url": "https://social.example/@bell",
        "uri": "https://social.example/users/bell",
        "avatar": picture("accounts/avatars", id),
        "avatar_static": picture("accounts/avatars", id),
        "header": picture("accounts/headers", id),
        "header_static": picture("accounts/headers", id),
        "followers_count": 12,
        "following_count": 3,
        "statuses_count": 1042,
        "last_status_at": "2026-11-21",
        "hide_collections": false,
        "noindex": true,
        "emojis": emojis,
        "roles": [],
        "fields": fields,
    })
}

/// A status with a picture and a card.
pub(super) fn status(id: u64, of: &str, content: &str) -> Value {
    let url = format!("https://social.example/@bell/{id}");
    let size = |width: u32, height: u32| json!({ "width": width, "height": height, "size": format!("{width}x{height}"), "aspect": 1.5 });
    json!({
        "id": id.to_string(),
        "created_at": "2026-11-21T07:30:00.123Z",
        "in_reply_to_id": null,
        "in_reply_to_account_id": null,
        "sensitive": false,
        "spoiler_text": "",
        "visibility": "private",
        "language": "en",
        "uri": url,
        "url": url,
        "replies_count": 0,
        "reblogs_count": 0,
        "favourites_count": 0,
        "edited_at": null,
        "favourited": false,
        "reblogged": false,
        "muted": false,
        "bookmarked": false,
        "content": content,
        "filtered": [],
        "reblog": null,
        "application": { "name": "campanile", "website": null },
        "account": account(of),
        "media_attachments": [{
            "id": "22345792",
            "type": "image",
            "url": picture("media_attachments", "22345792"),
            "preview_url": picture("media_attachments", "22345792"),
            "remote_url": null,
            "meta": { "original": size(1920, 1280), "small": size(588, 392), "focus": { "x": 0.0, "y": 0.0 } },
            "description": "The porch, and someone who waits there. ".repeat(8),
            "blurhash": "UFBWY:8_0Jxv4mx]t8t64.%M-:IUWGWAt6M}",
        }],
        "mentions": [],
        "tags": [],
        "emojis": [],
        "card": {
            "url": "https://home.example/door",
            "title": "The door",
            "description": "Who was there, and when. ".repeat(8),
            "type": "link",
            "html": "",
            "width": 400,
            "height": 400,
            "image": picture("cache/preview_cards", "86"),
            "blurhash": "UFBWY:8_0Jxv4mx]t8t64.%M-:IUWGWAt6M}",
        },
        "poll": null,
    })
}
