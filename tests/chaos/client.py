"""Appends through the logical host as fast as it is answered, with a small pause; run on a client of the lab.

    client.py HOST PORT PAUSE_MS

An append that got no answer is repeated with the same number on a new connection.  Prints "SEQ SENT ANSWERED" for each
acknowledged append, times of CLOCK_MONOTONIC in seconds; SENT is of the first try.
"""
import socket
import sys
import time

CONNECT_S, ANSWER_S, RETRY_S = 0.3, 1.0, 0.02


def connect(host, port):
    while True:
        try:
            connection = socket.create_connection((host, port), CONNECT_S)
            connection.settimeout(ANSWER_S)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return connection, connection.makefile("rb")
        except OSError:
            time.sleep(RETRY_S)


def append(connection, answers, seq):
    connection.sendall(b"append client1 %d\n" % seq)
    answer = answers.readline()
    if answer != b"ok %d\n" % seq:
        raise OSError(f"{answer!r}")


def main():
    host, port, pause = sys.argv[1], int(sys.argv[2]), float(sys.argv[3]) / 1000
    seq, connection = 0, None
    while True:
        seq, sent = seq + 1, time.monotonic()
        while True:
            try:
                if connection is None:
                    connection, answers = connect(host, port)
                append(connection, answers, seq)
                break
            except OSError:
                if connection is not None:
                    connection.close()
                connection = None
                time.sleep(RETRY_S)
        print(f"{seq} {sent:.6f} {time.monotonic():.6f}", flush=True)
        time.sleep(pause)


main()
