use proptest::prelude::*;

use super::*;

fn bits(values: impl IntoIterator<Item = u32>) -> u64 {
    values.into_iter().fold(0, |mask, value| mask | 1 << value)
}

/// The span's text, what is wrong, and what would be right, of the first error.
fn wrong(text: &str, result: Result<Schedule, Vec<TextError>>) -> (&str, String, String) {
    let error = result.expect_err(text).remove(0);
    (&text[error.span], error.what, error.help)
}

#[test]
fn a_time_of_day() {
    let every_day = |hour, minute, second| Ok(Schedule::at(hour, minute, second, Schedule::ALL_WEEKDAYS));
    assert_eq!(parse_at("07:30", None), every_day(7, 30, 0));
    assert_eq!(parse_at("7:30", None), every_day(7, 30, 0));
    assert_eq!(parse_at("23:59:59", None), every_day(23, 59, 59));
    assert_eq!(parse_at("00:00", None), every_day(0, 0, 0));
}

#[test]
fn days_by_name() {
    let days = |text| parse_at("07:30", Some(text)).map(|schedule| u64::from(schedule.weekdays));
    assert_eq!(days("mon-fri"), Ok(bits(1..=5)));
    assert_eq!(days("sat,sun"), Ok(bits([6, 7])));
    assert_eq!(days("fri-mon"), Ok(bits([5, 6, 7, 1])));
    assert_eq!(days("sun-mon"), Ok(bits([7, 1])));
    assert_eq!(days("mon-sun"), Ok(bits(1..=7)));
    assert_eq!(days("Monday, WED , fri-fri"), Ok(bits([1, 3, 5])));
}

#[test]
fn wrong_times_point_at_the_part_that_is_wrong() {
    let at = |text| wrong(text, parse_at(text, None));
    assert_eq!(at("24:00"), ("24", "the day ends at 23:59:59".into(), "midnight is `00:00`".into()));
    assert_eq!(at("25:00"), ("25", "`25` is not an hour".into(), "the last one is 23".into()));
    assert_eq!(at("07:60"), ("60", "`60` is not a minute".into(), "the last one is 59".into()));
    assert_eq!(at("07:30:61"), ("61", "`61` is not a second".into(), "the last one is 59".into()));
    assert_eq!(at("07:3").0, "3");
    assert_eq!(at("+7:30").0, "+7");
    assert_eq!(at("7:30pm"), ("pm", "the day has 24 hours here".into(), "write `19:30`".into()));
    assert_eq!((at("12am").2, at("12:15 PM").2), ("write `00:00`".into(), "write `12:15`".into()));
    assert_eq!(at("13am").2, "`7:30pm` is `19:30`");
    for text in ["", "noon", "0730", "07:30:15:00"] {
        assert_eq!(at(text), (text, format!("`{text}` is not a time of day"), TIME_HELP.into()));
    }
    assert_eq!(parse_at("07:xx", None).map_err(|errors| errors[0].text), Err(Text::At));
}

#[test]
fn wrong_days_suggest_the_nearest_name() {
    let days = |text| wrong(text, parse_at("07:30", Some(text)));
    let known = "a weekday is one of sun, mon, tue, wed, thu, fri, sat";
    assert_eq!(
        days("mon-fry"),
        ("fry", "`fry` is not a weekday".into(), format!("did you mean `fri`? {known}"))
    );
    assert_eq!(days("mon,wendesday").2, format!("did you mean `wednesday`? {known}"));
    assert_eq!(days("1-5"), ("1", "`1` is not a weekday".into(), known.into()));
    assert_eq!(days("mon,,fri"), ("", "a weekday is missing here".into(), known.into()));
    assert_eq!(days("mon-"), ("", "a weekday is missing here".into(), known.into()));
    assert_eq!(days("*").1, "`*` is for cron text");
    assert_eq!(days("mon-fri/2").1, "`mon-fri/2` is for cron text");
    assert_eq!(parse_at("07:30", Some("x")).map_err(|errors| errors[0].text), Err(Text::Days));
}

#[test]
fn cron_fields() {
    let schedule = parse_cron("*/5 8-20 * * mon-fri").expect("the example of the manual");
    assert_eq!(
        schedule,
        Schedule {
            minutes: bits((0..60).step_by(5)),
            hours: 0x1f_ff00,
            days: Schedule::ALL_DAYS,
            months: Schedule::ALL_MONTHS,
            weekdays: 0b0011_1110,
            second: 0,
            either_day: false,
            repeating: true,
        }
    );
    let minutes = |text: &str| parse_cron(&format!("{text} * * * *")).expect(text).minutes;
    assert_eq!(minutes("*"), Schedule::ALL_MINUTES);
    assert_eq!(minutes("07"), bits([7]));
    assert_eq!(minutes("10-40/15,59"), bits([10, 25, 40, 59]));
    assert_eq!(minutes("50/4"), bits([50, 54, 58]));
    assert_eq!(minutes("58-2"), bits([58, 59, 0, 1, 2]));
    assert_eq!(minutes("50-10/7"), bits([50, 57, 4]));
    let hours = |text: &str| u64::from(parse_cron(&format!("0 {text} * * *")).expect(text).hours);
    assert_eq!(hours("22-6/2"), bits([22, 0, 2, 4, 6]));
    let days = |text: &str| u64::from(parse_cron(&format!("0 0 {text} * *")).expect(text).days);
    assert_eq!(days("*/10"), bits([1, 11, 21, 31]));
    assert_eq!(days("30-2"), bits([30, 31, 1, 2]));
    let months = |text: &str| u64::from(parse_cron(&format!("0 0 1 {text} *")).expect(text).months);
    assert_eq!(months("nov-feb,July"), bits([11, 12, 1, 2, 7]));
    let weekdays = |text: &str| u64::from(parse_cron(&format!("0 0 * * {text}")).expect(text).weekdays);
    for (text, days) in [
        ("0", vec![7]),
        ("7", vec![7]),
        ("0-7", (1..=7).collect()),
        ("5-7", vec![5, 6, 7]),
        ("0-2", vec![7, 1, 2]),
        ("7-2", vec![7, 1, 2]),
        ("5-0", vec![5, 6, 7]),
        ("fri-mon", vec![5, 6, 7, 1]),
        ("*/2", vec![7, 2, 4, 6]),
        ("1/2", vec![1, 3, 5, 7]),
        ("sat-wed/2", vec![6, 1, 3]),
    ] {
        assert_eq!(weekdays(text), bits(days), "{text}");
    }
}

#[test]
fn what_begins_with_a_star_decides_two_rules() {
    let rules =
        |text| parse_cron(text).map(|schedule| (schedule.either_day, schedule.repeating)).expect(text);
    assert_eq!(rules("0 12 13 * fri"), (true, false));
    assert_eq!(rules("0 12 */2 * fri"), (false, false));
    assert_eq!(rules("0 12 13 * */2"), (false, false));
    assert_eq!(rules("0 12 1-31 * fri"), (true, false));
    assert_eq!(rules("30 * 13 * *"), (false, true));
    assert_eq!(rules("*,30 2 13 * *"), (false, true));
    assert_eq!(rules("0-59 2 13 * *"), (false, false));
}

#[test]
fn aliases_are_their_expansions() {
    for (alias, expansion) in ALIASES {
        assert_eq!(parse_cron(alias), parse_cron(expansion), "{alias}");
        assert_eq!(parse_cron(&format!(" {} ", alias.to_uppercase())), parse_cron(expansion));
    }
}

#[test]
fn wrong_cron_points_at_the_part_that_is_wrong() {
    let cron = |text| wrong(text, parse_cron(text));
    assert_eq!(
        cron("75 * * * *"),
        ("75", "`75` is not a minute".into(), "a minute is a number from 0 to 59".into())
    );
    assert_eq!(cron("* 8-24 * * *").0, "24");
    assert_eq!(cron("* * 0 * *").0, "0");
    assert_eq!(cron("* * * 13 *").0, "13");
    assert_eq!(cron("* * * * 8").0, "8");
    assert_eq!(cron("1,2,,4 * * * *").1, "a minute is missing here");
    assert_eq!(cron("300 * * * *").0, "300");
    assert_eq!(cron("-5 * * * *").1, "a minute is missing here");
    assert_eq!(cron("+5 * * * *").0, "+5");
    assert_eq!(cron("*/0 * * * *").1, "`0` is not a step for the minute");
    assert_eq!(cron("*/90 * * * *").2, "a step is a number from 1 to 59");
    assert_eq!(cron("*/ * * * *").1, "a step is missing here");
    assert_eq!(cron("* 24 * * *").1, "`24` is not an hour");
    assert_eq!(cron("* 1, * * *").1, "an hour is missing here");
    assert_eq!(cron("* 1-x * * *").2, "an hour is a number from 0 to 23");
    assert_eq!(cron("5/5/5 * * * *").0, "5/5");
    assert_eq!(cron("0 7 * * MOM").2.split('?').next(), Some("did you mean `mon`"));
    assert_eq!(cron("0 7 ? * mon").2, "write `*` for any");
    assert_eq!(cron("0 7 L * *").2, "there is no `L` for the last day; the first would be `1`");
    assert_eq!(cron("0 7 * * fri#2").0, "fri#2");
    assert_eq!(cron("0 7 * * jan").0, "jan");
    assert_eq!(cron("*-5 * * * *").2, "`*` stands alone or with a step, as in `*/5`");
    assert_eq!(cron("0 7 * *").1, "missing: weekday");
    assert_eq!(cron("").1, "missing: minute, hour, day of the month, month, weekday");
    assert_eq!(
        cron("0 0 7 * * mon  2026 "),
        ("mon  2026", "7 fields instead of five".into(), cron("* * * * * *").2)
    );
    assert_eq!(cron("@daily 5").1, "`@daily` stands alone");
    assert_eq!(cron("@reboot").2, "for the start of the program the trigger is `{ started = true }`");
    assert_eq!(cron("@every 5m").2, "for a period the trigger is `{ every = \"5min\" }`");
    assert_eq!(
        cron("@dayly").2,
        "did you mean `@daily`? there are @hourly, @daily, @midnight, @weekly, @monthly, @yearly, @annually"
    );
    assert_eq!(cron("0 7 ü * mon").0, "ü");
}

#[test]
fn every_wrong_field_is_told() {
    let spans = |text: &'static str, result: Result<Schedule, Vec<TextError>>| -> Vec<&str> {
        result.expect_err(text).into_iter().map(|error| &text[error.span]).collect()
    };
    assert_eq!(spans("60,61 24 0 13 8", parse_cron("60,61 24 0 13 8")), ["60", "61", "24", "0", "13", "8"]);
    assert_eq!(parse_at("25:00", Some("mon-fry,xx")).map_err(|errors| errors.len()), Err(3));
}

#[test]
fn what_would_never_fire_is_refused() {
    for text in ["0 0 31 2 *", "0 0 30 feb *", "0 0 31 4,6,9,11 *", "0 0 31 2 */2"] {
        let (span, what, _) = wrong(text, parse_cron(text));
        assert_eq!(what, "no month chosen here has such a day: it would never fire");
        assert!(span.starts_with('3') && !span.ends_with('*'), "{span}");
    }
    for text in ["0 0 29 2 *", "0 0 30,31 2,4 *", "0 0 31 2 mon"] {
        assert!(parse_cron(text).is_ok(), "{text}");
    }
}

proptest! {
    #[test]
    fn any_text_gives_a_schedule_that_passes_or_a_span_inside(text in "\\PC{0,40}", days in "\\PC{0,20}") {
        for (result, texts) in [
            (parse_cron(&text), [&text, &text]),
            (parse_at(&text, Some(&days)), [&text, &days]),
            (parse_at("07:30", Some(&days)), [&text, &days]),
        ] {
            match result {
                Ok(schedule) => prop_assert_eq!(schedule.check(), Ok(())),
                Err(errors) => {
                    for error in errors {
                        let text = texts[usize::from(error.text == Text::Days)];
                        prop_assert!(text.get(error.span.clone()).is_some(), "{error:?}");
                    }
                }
            }
        }
    }

    #[test]
    fn texts_like_cron_too(text in "[-*/,0-9a-z ]{0,8} [*0-9/,-]{1,5} [*0-9/,-]{1,5} [a-f0-9*]{1,3} [monfri0-9,/-]{1,7}") {
        match parse_cron(&text) {
            Ok(schedule) => prop_assert_eq!(schedule.check(), Ok(())),
            Err(errors) => {
                for error in errors {
                    prop_assert!(text.get(error.span.clone()).is_some(), "{error:?}");
                }
            }
        }
    }
}
