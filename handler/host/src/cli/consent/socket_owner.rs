//! The owner of a connection on the loopback: Linux lists the user of every socket
//! (`/proc/net/tcp`, proc_pid_net(5)).

#[cfg(target_os = "linux")]
use std::net::IpAddr;
use std::net::SocketAddr;

/// Whether another user opened a connection to `own`. The superuser counts as this user, since
/// nothing can be hidden from the superuser. A connection that the system does not list counts as
/// another user's.
#[cfg(target_os = "linux")]
pub fn is_of_another_user(peer: SocketAddr, own: SocketAddr) -> bool {
    let me = rustix::process::geteuid().as_raw();
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"]
        .map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let users: Vec<u32> = tables.iter().filter_map(|table| user(table, peer, own)).collect();
    users.is_empty() || users.iter().any(|user| *user != me && *user != 0)
}

/// Other systems do not show the owner.
#[cfg(not(target_os = "linux"))]
pub fn is_another_users(_: SocketAddr, _: SocketAddr) -> bool {
    false
}

/// The state of an established connection. An ended connection has no user, and is listed as the
/// superuser's.
#[cfg(target_os = "linux")]
const ESTABLISHED: &str = "01";

/// The user of the socket at `peer` that is connected to `own`.
#[cfg(target_os = "linux")]
fn user(table: &str, peer: SocketAddr, own: SocketAddr) -> Option<u32> {
    table.lines().skip(1).find_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = address(fields.get(1)?)? == canonical(peer)
            && address(fields.get(2)?)? == canonical(own)
            && *fields.get(3)? == ESTABLISHED;
        is_it.then(|| fields.get(7)?.parse().ok()).flatten()
    })
}

/// Parses `IP:PORT` in hexadecimal, with the address in words of four octets, each in the byte
/// order of the machine.
#[cfg(target_os = "linux")]
fn address(text: &str) -> Option<SocketAddr> {
    let (ip, port) = text.split_once(':')?;
    let words: Option<Vec<[u8; 4]>> = ip
        .as_bytes()
        .chunks(8)
        .map(|word| {
            Some(u32::from_str_radix(std::str::from_utf8(word).ok()?, 16).ok()?.to_ne_bytes())
        })
        .collect();
    let octets: Vec<u8> = words?.concat();
    let ip = match octets.len() {
        4 => IpAddr::from(<[u8; 4]>::try_from(octets).ok()?),
        16 => IpAddr::from(<[u8; 16]>::try_from(octets).ok()?),
        _ => return None,
    };
    Some(canonical(SocketAddr::new(ip, u16::from_str_radix(port, 16).ok()?)))
}

#[cfg(target_os = "linux")]
fn canonical(address: SocketAddr) -> SocketAddr {
    SocketAddr::new(address.ip().to_canonical(), address.port())
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
        assert!(user(&table, client.local_addr().unwrap(), own).is_some(), "it is listed");
        assert!(!is_of_another_user(client.local_addr().unwrap(), own));
        let six = std::net::SocketAddr::new(
            "::ffff:127.0.0.1".parse().unwrap(),
            client.local_addr().unwrap().port(),
        );
        assert!(!is_of_another_user(six, own), "the address in the form of the other table");
        drop(client);
        let unused = "127.0.0.3:9".parse().unwrap();
        assert!(
            is_of_another_user(unused, own),
            "what the system does not know is not this user's"
        );
    }

    #[test]
    fn both_ends_and_a_living_connection_count() {
        let line = |n: u8, from: &str, to: &str, state: &str, user: u32| {
            format!(
                "   {n}: {from} {to} {state} 00000000:00000000 00:00000000 00000000 \
                {user:5}        0 1 1\n"
            )
        };
        let (own, peer) = ("127.0.0.1:4711".parse().unwrap(), "127.0.0.1:54321".parse().unwrap());
        let table = |lines: &[String]| {
            format!("  sl  local_address rem_address   st\n{}   9: broken\n", lines.concat())
        };
        let (here, there) = ("0100007F:1267", "0100007F:D431");
        let right = line(1, there, here, "01", 1001);
        assert_eq!(
            user(&table(&[line(0, here, there, "01", 1000), right.clone()]), peer, own),
            Some(1001)
        );
        assert_eq!(
            user(&table(&[line(0, here, there, "01", 1000), right.clone()]), own, peer),
            Some(1000)
        );
        // An ended connection between these ports.
        let left =
            [line(0, "0300007F:D431", "0200007F:1267", "06", 0), line(2, there, here, "06", 0)];
        assert_eq!(user(&table(&left), peer, own), None);
        assert_eq!(user(&table(&[left[0].clone(), right]), peer, own), Some(1001));
        let six = line(
            0,
            "0000000000000000FFFF00000100007F:D431",
            "0000000000000000FFFF00000100007F:1267",
            "01",
            1002,
        );
        assert_eq!(user(&table(&[six]), peer, own), Some(1002));
    }
}
