//! Connections that nobody uses.

use super::*;

#[test]
fn an_idle_connection_is_ended_for_both_and_made_anew_when_somebody_asks() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        reverse_all(&b);
        assert!(a.disconnect_idle(b.id(), PATIENCE), "there is none");
        ask(&a, &b, b"abc").await.unwrap();
        assert!(!a.disconnect_idle(b.id(), PATIENCE), "it was used just now");
        assert!(a.disconnect_idle(b.id(), Duration::ZERO));
        for (endpoint, other) in [(&a, &b), (&b, &a)] {
            assert_eq!(endpoint.next_event().await, Ok(ConnectionEvent::Connected(other.id())));
            assert_eq!(endpoint.next_event().await, Ok(ConnectionEvent::Disconnected(other.id())));
        }
        assert_eq!(ask(&a, &b, b"abc").await, Ok(b"cba".to_vec()));
        assert_eq!(a.next_event().await, Ok(ConnectionEvent::Connected(b.id())));
    });
}

#[test]
fn a_connection_that_waits_for_an_answer_is_not_idle() {
    run(async {
        let (a, b) = (endpoint(1).await, endpoint(2).await);
        let asking = tokio::spawn({
            let (a, b) = (a.clone(), b.clone());
            async move { ask(&a, &b, b"abc").await }
        });
        let request = b.accept().await.unwrap();
        assert!(!a.disconnect_idle(b.id(), Duration::ZERO) && !b.disconnect_idle(a.id(), Duration::ZERO));
        request.respond(b"here".to_vec());
        assert_eq!(asking.await.unwrap(), Ok(b"here".to_vec()));
    });
}
