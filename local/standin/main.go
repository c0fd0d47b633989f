// Command standin stands in for a PyAirtable service where the nine images
// can't be had. It is podinfo with what podinfo lacks: a name from the
// environment, the MCP server's list of tools, calls of other targets, a second
// key whose tokens are valid, a queue consumer, a database, and failures at exact
// rates.
//
//	standin serve [podinfo flags]  the service
//	standin consume                the queue's consumer, until SIGTERM
package main

import (
	"log"
	"os"
)

func main() {
	if len(os.Args) < 2 {
		log.Fatal("usage: standin serve|consume")
	}
	switch os.Args[1] {
	case "serve":
		serve(os.Args[2:])
	case "consume":
		runConsumer()
	default:
		log.Fatalf("unknown command %q, expected serve or consume", os.Args[1])
	}
}

func identity() string {
	return os.Getenv("PYAIRTABLE_TARGET") + "/" + os.Getenv("PYAIRTABLE_BACKEND")
}

func serve(flags []string) {
	podinfo := os.Getenv("PODINFO")
	if podinfo == "" {
		podinfo = "/podinfo"
	}
	os.Setenv("PODINFO_UI_MESSAGE", identity())
	if key := os.Getenv("SIGNING_KEY"); key != "" {
		os.Setenv("PODINFO_JWT_SECRET", key)
	}
	serveFront(podinfo, flags)
}

func listenAddress() (host, port string) {
	port = os.Getenv("PORT")
	if port == "" {
		port = "9898"
	}
	return os.Getenv("HOST"), port
}
