//! The looks at a timeline by the clock: each new post once and in order, and trouble told once.

use super::*;

#[tokio::test(start_paused = true)]
async fn what_is_new_comes_in_once_and_in_order_and_what_was_there_does_not() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.quiet(minute * 3).await;
    node.posts(10..=17);
    let all: Vec<_> = (10..=17).map(|id| format!("bell, post {id}")).collect();
    assert_eq!(node.seen(8).await, all, "of several pages too");
    node.quiet(minute * 3).await;
    let mut node = Node::new(minute, Some("ring 2"));
    node.looked().await;
    node.posts([10, 20]);
    assert_eq!(node.seen(1).await, ["bell, post 20"]);
    node.quiet(minute * 3).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_knows_no_places_is_not_asked_for_ever() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    node.platform.0.lock().unwrap().is_simple = true;
    node.looked().await;
    node.posts([10, 11]);
    assert_eq!(node.seen(2).await, ["bell, post 10", "bell, post 11"]);
    let before = node.readings();
    node.quiet(minute * 5 + minute / 2).await;
    assert!(node.readings() - before <= 7, "{}", node.readings() - before);
}

#[tokio::test(start_paused = true)]
async fn posts_that_are_too_many_at_once_are_not_lost_in_silence() {
    let mut node = Node::new(Duration::from_secs(60), None);
    node.looked().await;
    {
        let mut state = node.platform.0.lock().unwrap();
        (state.is_simple, state.is_cut, state.posts) = (true, true, (10..=14).collect());
    }
    let why = "more posts since the last look than are read at once: of the newest 3 each rings, the older ones do not";
    assert_eq!(node.seen(4).await, [why, "bell, post 12", "bell, post 13", "bell, post 14"]);
}

#[tokio::test(start_paused = true)]
async fn an_account_without_a_post_has_a_beginning_too() {
    let mut node = Node::new(NEVER, None);
    node.platform.0.lock().unwrap().posts.clear();
    node.looked().await;
    node.posts([10]);
    node.step(Step::Opens);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
}

#[tokio::test(start_paused = true)]
async fn trouble_is_told_once_and_over_when_it_is_over() {
    let minute = Duration::from_secs(60);
    let mut node = Node::new(minute, None);
    let away = || Failure::retry("away");
    node.platform.0.lock().unwrap().failures = [away(), away()].into();
    let why = "its posts cannot be read: away";
    assert_eq!(node.seen(1).await, [why]);
    node.quiet(minute * 4).await;
    node.platform.0.lock().unwrap().failures = [away()].into();
    assert_eq!(node.seen(1).await, [why], "again, after it was over");
    node.posts([10]);
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
}

/// A server that asks for a year of patience, by mistake or not, is followed again after a day.
#[tokio::test(start_paused = true)]
async fn no_server_silences_timeline_or_stream_for_good() {
    let day = Duration::from_secs(24 * 3600);
    let year = || Failure::retry("later").after(Some(day * 365));
    let mut node = Node::new(day / 24, None);
    node.step(Step::Waits(year()));
    node.looked().await;
    node.platform.0.lock().unwrap().failures = [year()].into();
    let mut seen = node.seen(2).await;
    seen.sort();
    assert!(seen[0].starts_with("its posts cannot be read: later"), "{seen:?}");
    assert!(seen[1].starts_with("no stream tells of its posts"), "{seen:?}");
    node.posts([10]);
    let began = Instant::now();
    assert_eq!(node.seen(1).await, ["bell, post 10"]);
    assert!(began.elapsed() <= day * 2, "{:?}", began.elapsed());
    node.step(Step::Opens);
    // Half an hour beside the looks by the clock.
    node.quiet(day * 2 + day / 48).await;
    node.posts([11]);
    node.step(Step::Tells(Some(11)));
    let told = Instant::now();
    assert_eq!(node.seen(1).await, ["bell, post 11"]);
    assert!(told.elapsed() < Duration::from_secs(1), "the stream tells again");
}

#[tokio::test(start_paused = true)]
async fn who_looks_once_is_told_of_timeline_and_stream_and_does_not_follow() {
    let once = async |steps: Vec<Step>, failure: Option<Failure>| {
        let platform = Platform::default();
        let (stream, script) = unbounded_channel();
        steps.into_iter().for_each(|step| drop(stream.send(step)));
        platform.0.lock().unwrap().stream = Some(Script(script));
        platform.0.lock().unwrap().failures.extend(failure);
        let (account, message) = ("bell".into(), "doorbell".into());
        let every = Duration::from_secs(60);
        let follow = Follow { account, message, containing: None, every };
        let mut sink = Following::new(Mute, Some((platform.clone(), follow)));
        let words = sink.listen().await;
        sink.open().await.unwrap();
        sleep(every * 3).await;
        assert_eq!(platform.0.lock().unwrap().readings, 1);
        words
    };
    let open = "the posts of bell can be read, and a stream tells of them";
    assert_eq!(once(vec![Step::Opens], None).await, Ok(Some(open.to_owned())));
    let without = once(vec![Step::Refuses], None).await.unwrap().unwrap();
    assert!(without.ends_with("as no stream tells of them: nobody may listen (401)"), "{without}");
    let away = Failure::retry("away");
    assert_eq!(once(vec![], Some(away.clone())).await, Err(away));
    assert_eq!(Following::<_, Platform>::new(Mute, None).listen().await, Ok(None));
}
