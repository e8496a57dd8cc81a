package drive

import (
	"fmt"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

const (
	// peeks is how often a poller that yields looks for events before it sleeps: on a busy machine an answer is nearly
	// always there by then, and a sleep and a wake-up are saved on both sides. But the other side may keep the processor
	// for its whole turn, some milliseconds, so it is only for those who count requests and not their latencies.
	peeks = 5
	// napTime bounds a sleep, so that a loop sees that its run was stopped.
	napTime = 100 * time.Millisecond
	// alarm is the number of the timer's events.
	alarm = -1
)

// poller tells which sockets have something new: data, room to write, an end. A socket is added once, and each news is
// told once; so a connection costs no system call but its own reads and writes. It belongs to one goroutine.
type poller struct {
	fd, timer int
	yields    bool
	events    [128]unix.EpollEvent
}

func newPoller() (*poller, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	timer, err := unix.TimerfdCreate(unix.CLOCK_MONOTONIC, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC)
	if err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("timer: %w", err)
	}
	p := &poller{fd: fd, timer: timer}
	if err := p.add(timer, alarm); err != nil {
		p.close()
		return nil, err
	}
	return p, nil
}

// add watches a socket; its events carry the number.
func (p *poller) add(fd int, number int32) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN | unix.EPOLLOUT | unix.EPOLLRDHUP | unix.EPOLLET, Fd: number}
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("epoll: %w", err)
	}
	return nil
}

// wait returns what is new, at the latest at the time until, or with nothing before it.
func (p *poller) wait(until int64) ([]unix.EpollEvent, error) {
	for i := range peeks {
		if n := p.peek(); n > 0 {
			return p.events[:n], nil
		}
		if !p.yields || i == peeks-1 {
			break
		}
		_, _, _ = syscall.RawSyscall(syscall.SYS_SCHED_YIELD, 0, 0, 0)
	}
	left := time.Duration(until - Clock())
	if left <= 0 {
		return nil, nil
	}
	if left < napTime { // a sleep's own measure is a millisecond: too coarse for a schedule
		spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(left))}
		if err := unix.TimerfdSettime(p.timer, 0, &spec, nil); err != nil {
			return nil, fmt.Errorf("timer: %w", err)
		}
	}
	n, err := unix.EpollWait(p.fd, p.events[:], int(napTime.Milliseconds()))
	if err != nil && err != unix.EINTR {
		return nil, fmt.Errorf("epoll: %w", err)
	}
	return p.events[:max(n, 0)], nil
}

// peek asks for events without waiting; so the runtime need not know.
func (p *poller) peek() int {
	n, _, errno := syscall.RawSyscall6(syscall.SYS_EPOLL_PWAIT, uintptr(p.fd), uintptr(unsafe.Pointer(&p.events[0])),
		uintptr(len(p.events)), 0, 0, 0)
	if errno != 0 {
		return 0
	}
	return int(n)
}

func (p *poller) close() {
	_ = unix.Close(p.timer)
	_ = unix.Close(p.fd)
}

// read takes what a socket has; it never waits, so the runtime need not know.
func read(fd int, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_READ, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// write gives a socket what it has room for; it never waits.
func write(fd int, b []byte) (int, syscall.Errno) {
	for {
		n, _, errno := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)))
		if errno != syscall.EINTR {
			return int(n), errno
		}
	}
}

// dial begins to connect, without waiting for it.
func dial(to target) (int, error) {
	family, address := to.socket()
	fd, err := unix.Socket(family, unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, fmt.Errorf("connect: %w", err)
	}
	err = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1)
	if err == nil && to.Addr().IsLoopback() { // it loses nothing; what paces its packets, as BBR does, only costs time
		_ = unix.SetsockoptString(fd, unix.IPPROTO_TCP, unix.TCP_CONGESTION, "reno")
	}
	if err == nil {
		err = unix.Connect(fd, address)
	}
	if err != nil && err != unix.EINPROGRESS {
		_ = unix.Close(fd)
		return -1, fmt.Errorf("connect: %w", err)
	}
	return fd, nil
}

// socket is the address as the kernel takes it; each connect has its own, as it writes into it.
func (t target) socket() (family int, address unix.Sockaddr) {
	if t.Addr().Is4() {
		return unix.AF_INET, &unix.SockaddrInet4{Port: int(t.Port()), Addr: t.Addr().As4()}
	}
	return unix.AF_INET6, &unix.SockaddrInet6{Port: int(t.Port()), Addr: t.Addr().As16()}
}

// dialed tells how a connect has ended.
func dialed(fd int) error {
	errno, err := unix.GetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_ERROR)
	if err == nil && errno != 0 {
		err = syscall.Errno(errno)
	}
	if err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	return nil
}
