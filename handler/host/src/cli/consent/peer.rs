//! Whose a connection on the loopback is, where the system tells: on Linux every socket has the user who opened it (`/proc/net/tcp`, proc_pid_net(5)).

use std::net::SocketAddr;

/// Whether a connection to `own` was opened by another user of this machine. The superuser's is nobody else's: from that user nothing can be kept.
#[cfg(target_os = "linux")]
pub fn is_another_users(peer: SocketAddr, own: SocketAddr) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let Ok(me) = std::fs::metadata("/proc/self").map(|about| about.uid()) else { return false };
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"].map(|path| std::fs::read_to_string(path).unwrap_or_default());
    tables.iter().find_map(|table| user(table, peer, own)).is_some_and(|user| user != me && user != 0)
}

/// Elsewhere it is not told.
#[cfg(not(target_os = "linux"))]
pub fn is_another_users(_: SocketAddr, _: SocketAddr) -> bool {
    false
}

/// The user of the socket at `peer` that is connected to `own`. Addresses stand there as `IP:PORT` in hexadecimal, of which the port is enough
/// to tell two sockets of one machine apart: the loopback's are all here.
#[cfg(target_os = "linux")]
fn user(table: &str, peer: SocketAddr, own: SocketAddr) -> Option<u32> {
    let port = |address: &str| u16::from_str_radix(address.rsplit_once(':')?.1, 16).ok();
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = port(fields.get(1)?)? == peer.port() && port(fields.get(2)?)? == own.port();
        is_it.then(|| fields.get(7)?.parse().ok()).flatten()
    })
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_connection_of_this_process_is_its_own_users() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let own = listener.local_addr().unwrap();
        let client = tokio::net::TcpStream::connect(own).await.unwrap();
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        assert!(user(&table, client.local_addr().unwrap(), own).is_some(), "it stands there");
        assert!(!is_another_users(client.local_addr().unwrap(), own));
    }

    #[test]
    fn the_client_end_counts() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
                        0: 0100007F:1267 0100007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 1 1\n\
                        1: 0100007F:D431 0100007F:1267 01 00000000:00000000 00:00000000 00000000  1001        0 2 1\n\
                        2: broken\n";
        let [own, peer] = ["127.0.0.1:4711", "127.0.0.1:54321"].map(|text| text.parse().unwrap());
        assert_eq!(user(table, peer, own), Some(1001));
        assert_eq!(user(table, own, peer), Some(1000));
        assert_eq!(user(table, "127.0.0.1:9".parse().unwrap(), own), None);
    }
}
