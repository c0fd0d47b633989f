package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func runConsumer() {
	ctx, cancel := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	defer cancel()
	consume(ctx)
}

// consume takes messages from the queue, one at a time, and records who took
// each, until the context ends; it finishes the message it holds.
func consume(ctx context.Context) {
	for ctx.Err() == nil {
		if err := consumeFrom(ctx, os.Getenv("QUEUE_ADDRESS"), os.Getenv("QUEUE")); err != nil && ctx.Err() == nil {
			log.Printf("queue: %v", err)
			time.Sleep(200 * time.Millisecond)
		}
	}
}

func consumeFrom(ctx context.Context, address, queue string) error {
	connection, err := net.DialTimeout("tcp", address, 2*time.Second)
	if err != nil {
		return err
	}
	defer connection.Close()
	redis := redisClient{connection, bufio.NewReader(connection)}
	if _, err := redis.do("CLIENT", "SETNAME", identity()); err != nil {
		return err
	}
	for ctx.Err() == nil {
		message, err := redis.do("LPOP", queue)
		if err != nil {
			return err
		}
		if message == "" {
			time.Sleep(10 * time.Millisecond)
			continue
		}
		if _, err := redis.do("RPUSH", queue+":done", message+" "+identity()); err != nil {
			return err
		}
	}
	return nil
}

// redisClient speaks the part of Redis' protocol that a consumer needs.
type redisClient struct {
	connection net.Conn
	answers    *bufio.Reader
}

// do returns a simple string, a bulk string or an integer; a nil answer is "".
func (r redisClient) do(words ...string) (string, error) {
	var command strings.Builder
	fmt.Fprintf(&command, "*%d\r\n", len(words))
	for _, word := range words {
		fmt.Fprintf(&command, "$%d\r\n%s\r\n", len(word), word)
	}
	r.connection.SetDeadline(time.Now().Add(5 * time.Second))
	if _, err := io.WriteString(r.connection, command.String()); err != nil {
		return "", err
	}
	line, err := r.answers.ReadString('\n')
	if err != nil {
		return "", err
	}
	line = strings.TrimRight(line, "\r\n")
	switch line[0] {
	case '+', ':':
		return line[1:], nil
	case '$':
		length, err := strconv.Atoi(line[1:])
		if err != nil || length < 0 {
			return "", err
		}
		body := make([]byte, length+2)
		_, err = io.ReadFull(r.answers, body)
		return string(body[:length]), err
	default:
		return "", fmt.Errorf("redis answered %q", line)
	}
}
