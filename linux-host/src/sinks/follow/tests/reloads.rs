//! Where a sink goes on that a reload makes anew.

use super::*;

/// A sink as a reload makes it, which follows the account on this platform.
async fn made_anew(
    platform: &Platform,
    containing: Option<&str>,
    bookmark: &Bookmark,
) -> Following<Mute, Platform> {
    let (account, message) = ("bell".to_owned(), "doorbell".to_owned());
    let containing = containing.map(str::to_owned);
    let follow = Follow { account, message, containing, every: Duration::from_secs(60) };
    let mut following = Following::new(Mute, Some((platform.clone(), follow)));
    following.go_on(bookmark.clone());
    following.open().await.unwrap();
    following
}

async fn rings(following: &mut Following<Mute, Platform>, count: usize) -> Vec<String> {
    let mut rings = Vec::new();
    for _ in 0..count {
        let Ok(Outcome::Came(arrival)) = following.outcome().await else { panic!("nothing else happens") };
        rings.push(arrival.from);
    }
    rings
}

/// What was posted while the sink was made anew rings, and so does what the old one had found and not handed over.
#[tokio::test(start_paused = true)]
async fn a_sink_that_a_reload_changes_goes_on_where_it_was() {
    let (platform, bookmark) = (Platform::default(), Bookmark::default());
    let posts = |ids: &[u64]| platform.0.lock().unwrap().posts.extend(ids);
    posts(&[9]);
    let mut before = made_anew(&platform, None, &bookmark).await;
    sleep(Duration::from_secs(1)).await;
    posts(&[10, 11, 12]);
    assert_eq!(rings(&mut before, 1).await, ["bell, post 10"]);
    before.close().await;
    posts(&[13]);
    let mut after = made_anew(&platform, None, &bookmark).await;
    assert_eq!(rings(&mut after, 3).await, ["bell, post 11", "bell, post 12", "bell, post 13"]);
    after.close().await;
    // Numbers of another timeline say nothing.
    let other = Bookmark::default();
    other.set("elsewhere/bell", "3".to_owned());
    let mut first = made_anew(&platform, None, &other).await;
    sleep(Duration::from_secs(1)).await;
    posts(&[14]);
    assert_eq!(rings(&mut first, 1).await, ["bell, post 14"]);
}

/// What was kept back was seen all the same: it does not ring when a reload lets it through.
#[tokio::test(start_paused = true)]
async fn a_post_that_was_kept_back_does_not_ring_behind_a_reload() {
    let (platform, bookmark) = (Platform::default(), Bookmark::default());
    let posts = |ids: &[u64]| platform.0.lock().unwrap().posts.extend(ids);
    posts(&[9]);
    let mut before = made_anew(&platform, Some("ring 2"), &bookmark).await;
    sleep(Duration::from_secs(1)).await;
    posts(&[10, 20, 30]);
    assert_eq!(rings(&mut before, 1).await, ["bell, post 20"]);
    let more = timeout(Duration::from_secs(1), before.outcome()).await;
    assert!(more.is_err(), "post 30 rings nothing");
    before.close().await;
    let mut after = made_anew(&platform, None, &bookmark).await;
    posts(&[31]);
    assert_eq!(rings(&mut after, 1).await, ["bell, post 31"]);
}

/// A reload that takes `follow` out, or makes the sink one of another kind, and another one that puts it back.
#[tokio::test(start_paused = true)]
async fn what_was_posted_while_nobody_followed_does_not_ring() {
    let gone: [fn(Bookmark); 2] = [
        |bookmark| Following::<_, Platform>::new(Mute, None).go_on(bookmark),
        |bookmark| Mute.go_on(bookmark),
    ];
    for go in gone {
        let (platform, bookmark) = (Platform::default(), Bookmark::default());
        let posts = |ids: &[u64]| platform.0.lock().unwrap().posts.extend(ids);
        posts(&[9]);
        let mut before = made_anew(&platform, None, &bookmark).await;
        sleep(Duration::from_secs(1)).await;
        before.close().await;
        go(bookmark.clone());
        posts(&[10]);
        let mut after = made_anew(&platform, None, &bookmark).await;
        sleep(Duration::from_secs(1)).await;
        posts(&[11]);
        assert_eq!(rings(&mut after, 1).await, ["bell, post 11"]);
    }
}
