package cli

import (
	"fmt"
	"net/netip"

	"flashq/http"
)

// parseOrigins reads the origins of web pages. None stands for all: their pages could read and write what is here.
func parseOrigins(list []string) (all []string, err error) {
	for _, text := range list {
		origin, err := http.ParseOrigin(text)
		if err != nil {
			return nil, fmt.Errorf("--cors-origin %q; %w", text, err)
		}
		all = append(all, origin)
	}
	return all, nil
}

// parseAddresses reads addresses and networks: 10.0.0.7, 10.0.0.0/8, 2001:db8::/32.
func parseAddresses(flag string, list []string) (all []netip.Prefix, err error) {
	for _, text := range list {
		network, err := netip.ParsePrefix(text)
		if err != nil {
			var one netip.Addr
			if one, err = netip.ParseAddr(text); err != nil {
				return nil, fmt.Errorf("--%s %q; allowed: an address or a network, such as 10.0.0.7 or 10.0.0.0/8", flag, text)
			}
			network = netip.PrefixFrom(one.Unmap(), one.Unmap().BitLen())
		}
		all = append(all, network)
	}
	return all, nil
}
