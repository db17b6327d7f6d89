use super::*;

const COUNT: u64 = 10_000;

/// A frame with an IPv4 packet that begins with a number.
fn frame(number: u64, length: usize) -> Vec<u8> {
    let mut frame = vec![0; 12];
    frame.extend([0x08, 0x00]);
    frame.extend(number.to_be_bytes());
    frame.resize(14 + length, 0);
    frame
}

fn number(frame: &[u8]) -> u64 {
    u64::from_be_bytes(frame[14..22].try_into().unwrap())
}

fn pipe(settings: &str) -> Pipe {
    let mut pipe = Pipe::new(1);
    for setting in settings.split_whitespace() {
        pipe.impairment = pipe.impairment.with(setting).unwrap();
    }
    pipe
}

/// Gives numbers and times of what arrives, until nothing is under way.
fn arrivals(pipe: &mut Pipe, start: Instant) -> Vec<(u64, Duration)> {
    let mut arrived = Vec::new();
    while let Some(at) = pipe.next_arrival() {
        while let Some(frame) = pipe.deliver(at) {
            arrived.push((number(&frame), at - start));
        }
    }
    arrived
}

fn send_at_once(pipe: &mut Pipe, now: Instant, count: u64, length: usize) -> Vec<(u64, Duration)> {
    (0..count).for_each(|number| pipe.accept(now, &frame(number, length)));
    arrivals(pipe, now)
}

#[test]
fn a_wire_without_impairment_passes_everything_at_once_and_in_order() {
    let arrived = send_at_once(&mut pipe(""), Instant::now(), 100, 1500);
    assert_eq!(arrived, (0..100).map(|number| (number, Duration::ZERO)).collect::<Vec<_>>());
}

#[test]
fn a_delayed_packet_comes_when_its_time_has_come() {
    let (mut pipe, now) = (pipe("delay=20"), Instant::now());
    pipe.accept(now, &frame(0, 100));
    assert_eq!(pipe.deliver(now + Duration::from_micros(19_999)), None);
    assert_eq!(pipe.deliver(now + Duration::from_millis(20)), Some(frame(0, 100)));
}

#[test]
fn packets_get_lost_and_doubled_as_often_as_told() {
    let mut pipe = pipe("loss=0.03 duplicate=0.1");
    let arrived = send_at_once(&mut pipe, Instant::now(), COUNT, 100);
    let Counters { delivered, lost, duplicated, .. } = pipe.counters();
    assert!((250..350).contains(&lost), "{lost}");
    assert!((850..1_100).contains(&duplicated), "{duplicated}");
    assert_eq!(delivered, COUNT - lost + duplicated);
    assert_eq!(delivered, arrived.len() as u64);
}

#[test]
fn a_held_packet_is_overtaken() {
    let (mut pipe, start) = (pipe("reorder=0.1 hold=5"), Instant::now());
    for number in 0..100 {
        pipe.accept(start + Duration::from_millis(number), &frame(number, 100));
    }
    let order: Vec<u64> = arrivals(&mut pipe, start).into_iter().map(|(number, _)| number).collect();
    let overtaken = order.windows(2).filter(|two| two[0] > two[1]).count() as u64;
    assert!(overtaken > 0);
    assert!(overtaken <= pipe.counters().reordered);
    assert_eq!(order.len(), 100);
}

#[test]
fn a_rate_paces_and_its_queue_is_bounded() {
    let (mut pipe, now) = (pipe("rate=8 queue=10140"), Instant::now());
    // A frame of 1,014 bytes takes 1,014 µs at 8 Mbit/s.
    let arrived = send_at_once(&mut pipe, now, 50, 1000);
    let expected: Vec<_> = (0..10).map(|number| (number, Duration::from_micros(1014 * (number + 1)))).collect();
    assert_eq!(arrived, expected);
    assert_eq!(pipe.counters().queue_full, 40);
    pipe.accept(now + Duration::from_millis(20), &frame(99, 1000));
    assert_eq!(arrivals(&mut pipe, now), [(99, Duration::from_micros(20_000 + 1014))]);
}

#[test]
fn a_packet_that_is_too_long_vanishes() {
    let mut pipe = pipe("mtu=1280");
    let now = Instant::now();
    pipe.accept(now, &frame(0, 1280));
    pipe.accept(now, &frame(1, 1281));
    assert_eq!(arrivals(&mut pipe, now), [(0, Duration::ZERO)]);
    assert_eq!(pipe.counters().too_long, 1);
}

#[test]
fn what_keeps_the_wire_going_passes_where_nothing_else_does() {
    let (mut pipe, now) = (pipe("loss=1 delay=100"), Instant::now());
    let mut arp = frame(3, 28);
    arp[13] = 0x06;
    pipe.accept(now, &arp);
    pipe.accept(now, &frame(4, 28));
    assert_eq!(arrivals(&mut pipe, now), [(3, Duration::ZERO)]);
}

#[test]
fn frames_under_way_are_bounded() {
    let (mut pipe, now) = (pipe("delay=1000"), Instant::now());
    for number in 0..MOST_UNDER_WAY as u64 + 3 {
        pipe.accept(now, &frame(number, 20));
    }
    assert_eq!(pipe.counters().queue_full, 3);
}
