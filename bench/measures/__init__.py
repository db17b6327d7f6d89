"""What can be measured on a link, by `iperf3` and `nuttcp`, by `ping`, and by the laboratory's load on gates."""
