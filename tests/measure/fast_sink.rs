//! A next hop that takes content as fast as it comes; smtp-sink looks at each octet.

use std::io::{BufRead, BufReader, Read, Result, Write};
use std::net::{TcpListener, TcpStream};

/// Serves until the program ends; gives the port.
pub fn start() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let port = listener.local_addr().expect("it is bound").port();
    std::thread::spawn(move || {
        for client in listener.incoming().flatten() {
            // A client that goes away is the client's affair.
            std::thread::spawn(|| drop(session(client)));
        }
    });
    port
}

fn session(client: TcpStream) -> Result<()> {
    client.set_nodelay(true)?;
    let mut client = BufReader::with_capacity(256 << 10, client);
    client.get_mut().write_all(b"220 fast\r\n")?;
    let mut line = String::new();
    loop {
        line.clear();
        if client.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let verb = line.split_whitespace().next().unwrap_or_default().to_ascii_uppercase();
        let reply: &[u8] = match verb.as_str() {
            "EHLO" => b"250-fast\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
            "DATA" => b"354 go\r\n",
            "QUIT" => b"221 bye\r\n",
            _ => b"250 ok\r\n",
        };
        client.get_mut().write_all(reply)?;
        if verb == "DATA" {
            swallow(&mut client)?;
            client.get_mut().write_all(b"250 taken\r\n")?;
        }
    }
}

/// Reads to the end of the content, behind which the client says nothing before it is answered.
fn swallow(client: &mut BufReader<TcpStream>) -> Result<()> {
    const END: &[u8] = b"\r\n.\r\n";
    let (mut block, mut tail) = (vec![0; 256 << 10], Vec::new());
    while !tail.ends_with(END) {
        let taken = client.read(&mut block)?;
        if taken == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        tail.extend_from_slice(&block[taken.saturating_sub(END.len())..taken]);
        tail.drain(..tail.len().saturating_sub(END.len()));
    }
    Ok(())
}
