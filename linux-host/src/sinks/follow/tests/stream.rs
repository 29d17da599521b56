//! What a stream tells of: at once, and nothing lost or twice when it breaks.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_the_stream_tells_of_comes_at_once_and_once_with_all_before_it() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    node.posts([10, 11, 12]);
    let began = Instant::now();
    for told in [Some(12), Some(11), Some(12)] {
        node.step(Step::Tells(told));
    }
    assert_eq!(node.seen(3).await, ["bell, post 10", "bell, post 11", "bell, post 12"]);
    assert!(began.elapsed() < Duration::from_secs(1), "on a clock that does not run by itself");
    node.quiet(Duration::from_secs(60)).await;
    node.posts([13]);
    node.step(Step::Tells(None));
    assert_eq!(node.seen(1).await, ["bell, post 13"], "something came that nobody could read");
}

#[tokio::test(start_paused = true)]
async fn what_was_posted_while_the_stream_was_broken_comes_when_it_is_back() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    for round in 0..50 {
        node.posts([10 + 2 * round]);
        node.step(Step::Tells(Some(10 + 2 * round)));
        node.step(Step::Breaks);
        assert_eq!(node.seen(1).await, [format!("bell, post {}", 10 + 2 * round)]);
        node.posts([11 + 2 * round]);
        node.step(Step::Opens);
        assert_eq!(node.seen(1).await, [format!("bell, post {}", 11 + 2 * round)]);
    }
    node.quiet(Duration::from_secs(3600)).await;
}

#[tokio::test(start_paused = true)]
async fn a_post_that_does_not_show_yet_is_looked_for_and_one_that_never_does_is_given_up() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    node.platform.0.lock().unwrap().late = (10, 3);
    node.posts([10]);
    node.step(Step::Tells(Some(10)));
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
    let before = node.readings();
    node.step(Step::Tells(Some(11)));
    node.quiet(Duration::from_secs(3600)).await;
    assert_eq!(node.readings() - before, 6, "a post that was taken back is not looked for for ever");
    node.posts([12]);
    node.step(Step::Tells(Some(12)));
    assert_eq!(node.seen(1).await, ["bell, post 12"]);
}

#[tokio::test(start_paused = true)]
async fn a_post_that_was_given_up_is_nothing_to_the_looks_of_the_clock() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    node.step(Step::Tells(Some(11)));
    node.quiet(minute / 2).await;
    let before = node.readings();
    node.quiet(minute * 60).await;
    assert_eq!(node.readings() - before, 60, "one look a minute, as if nothing had been told");
    node.step(Step::Tells(Some(12)));
    node.quiet(minute / 2).await;
    assert!(node.readings() - before >= 66, "another one is looked for");
    node.posts([10, 12]);
    assert_eq!(
        node.seen(2).await,
        ["bell, post 10", "bell, post 12"],
        "and what shows later comes all the same"
    );
}

#[tokio::test(start_paused = true)]
async fn what_was_told_and_cannot_be_read_is_read_soon() {
    let mut node = Node::new(NEVER, None);
    node.looked().await;
    node.step(Step::Opens);
    node.quiet(Duration::from_secs(5)).await;
    let wait = Failure::retry("busy").after(Some(Duration::from_secs(7)));
    node.platform.0.lock().unwrap().failures = [Failure::retry("busy"), wait].into();
    node.posts([10]);
    node.step(Step::Tells(Some(10)));
    let began = Instant::now();
    assert_eq!(node.seen(2).await, ["its posts cannot be read: busy", "bell, post 10"]);
    assert!((8..20).contains(&began.elapsed().as_secs()), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn without_a_stream_the_clock_goes_on_and_the_reason_is_told_once() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    for _ in 0..3 {
        node.step(Step::Refuses);
    }
    let why = "no stream tells of its posts, so they come with a look every 60s: nobody may listen (401)";
    assert_eq!(node.seen(1).await, [why]);
    node.posts([10]);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
    node.quiet(minute * 60).await;
    node.step(Step::Opens);
    node.quiet(minute * 60).await;
    node.step(Step::Breaks);
    node.step(Step::Refuses);
    assert_eq!(node.seen(1).await, [why], "again, after it was over");
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_does_not_have_the_account_is_told_of() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.step(Step::Opens);
    node.quiet(minute * 2).await;
    node.posts([10]);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
    // Late, and told all the same: nothing is wrong.
    node.step(Step::Tells(Some(10)));
    node.quiet(minute * 5).await;
    node.posts([11]);
    let seen = node.seen(2).await;
    assert_eq!(seen[0], "bell, post 11");
    assert!(seen[1].contains("follow bell with the account of the token"), "{seen:?}");
    node.posts([12]);
    assert_eq!(node.seen(1).await, ["bell, post 12"]);
    node.quiet(minute * 5).await;
}
