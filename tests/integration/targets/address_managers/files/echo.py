"""Sends back what comes, on port 7007."""

import socket
import threading


def serve(connection: socket.socket) -> None:
    with connection:
        while data := connection.recv(100):
            connection.sendall(data)


with socket.create_server(("::", 7007), family=socket.AF_INET6) as server:
    while True:
        threading.Thread(target=serve, args=(server.accept()[0],), daemon=True).start()
