package cli

import (
	"unsafe"

	"golang.org/x/sys/windows"
)

// usableMemory is the machine's RAM, 0 where that is unknown.
func usableMemory() int64 {
	status := struct { // MEMORYSTATUSEX
		length, load                                                                uint32
		total, available, totalPages, pages, totalVirtual, virtual, extendedVirtual uint64
	}{}
	status.length = uint32(unsafe.Sizeof(status))
	call := windows.NewLazySystemDLL("kernel32.dll").NewProc("GlobalMemoryStatusEx")
	if done, _, _ := call.Call(uintptr(unsafe.Pointer(&status))); done == 0 {
		return 0
	}
	return int64(status.total)
}
