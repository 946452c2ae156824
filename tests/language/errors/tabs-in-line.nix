let
	tabbed = 1;
in	tabbed.x
