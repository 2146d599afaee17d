"""The whole line on one machine: broker, virtual boards, agent, ledger and a shopper, each as it is in a shop."""
